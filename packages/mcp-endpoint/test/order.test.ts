import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { jsonOf, legacy } from './messages.ts'
import { ask, formatRequest, openConnection, type RawRequest } from './raw-http.ts'
import { metadataUrl, startTestServer } from './test-server.ts'

test('G53: each check comes before the next: Host, Origin, token, method, media type, body, scope', async (t) => {
  const { port, token } = await startTestServer(t, { mount: { maxBodyBytes: 1024 } })
  const wrong = {
    Host: 'evil.example',
    Origin: 'https://evil.example',
    Authorization: 'Bearer nonsense',
    'Content-Type': 'text/plain',
  }
  const body = ' '.repeat(1025)
  const status = async (request: Parameters<typeof ask>[1]): Promise<number> =>
    (await ask(port, { method: 'DELETE', body, ...request })).status

  assert.equal(await status({ headers: wrong }), 421)
  const { Host: _host, ...rightHost } = wrong
  assert.equal(await status({ headers: rightHost }), 403)
  const { Origin: _origin, ...rightOrigin } = rightHost
  assert.equal(await status({ headers: rightOrigin }), 401)
  const proven = { ...rightOrigin, Authorization: `Bearer ${token()}` }
  assert.equal(await status({ headers: proven }), 405)
  assert.equal(await status({ method: 'POST', headers: proven }), 415)
  const typed = { ...proven, 'Content-Type': 'application/json' }
  assert.equal(await status({ method: 'POST', headers: typed }), 413)
  assert.equal(await status({ method: 'POST', headers: typed, body: ' '.repeat(1024) }), 400)
  const call = legacy(token(), 'tools/call', { name: 'write_note' })
  assert.equal((await ask(port, call)).status, 403)
})

test('G53: a wrong Host is refused at the documents too, and they ask for no Origin', async (t) => {
  const { port } = await startTestServer(t)
  const target = '/.well-known/oauth-protected-resource'
  assert.equal((await ask(port, { target, headers: { Host: 'evil.example' } })).status, 421)
  assert.equal((await ask(port, { target, headers: { Origin: 'null' } })).status, 200)
})

test('G52: the hosts that are answered, and their neighbours', async (t) => {
  const { port } = await startTestServer(t, {
    http: { allowedHosts: ['proxy.internal:8443', 'Bare.Internal'] },
  })
  const status = async (host: string | undefined): Promise<number> =>
    (await ask(port, { headers: { Host: host } })).status
  for (const host of [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    `LOCALHOST:${port}`,
    `[::1]:${port}`,
    'mcp.example.com',
    'MCP.Example.COM',
    'mcp.example.com:443',
    'proxy.internal:8443',
    'bare.internal',
  ]) {
    assert.equal(await status(host), 401, host)
  }
  for (const host of [
    'evil.example',
    '127.0.0.1',
    'localhost',
    `127.0.0.1:${port + 1}`,
    `127.0.0.2:${port}`,
    `localhost.evil.example:${port}`,
    `localhost.:${port}`,
    `evil.example@127.0.0.1:${port}`,
    'mcp.example.com:80',
    'mcp.example.com.',
    'xmcp.example.com',
    'proxy.internal',
    'bare.internal:80',
    '',
  ]) {
    assert.equal(await status(host), 421, host)
  }
  assert.equal(await status(undefined), 400) // RFC 9112 §3.2; Node's own answer.
})

test('RFC 9112 §3.2: two Host fields are refused, whichever is right', async (t) => {
  const { port } = await startTestServer(t)
  const own = `127.0.0.1:${port}`
  for (const Host of [
    [own, 'evil.example'],
    ['evil.example', own],
    [own, own],
  ]) {
    const { status } = await ask(port, { target: '/.well-known/oauth-protected-resource', headers: { Host } })
    assert.ok(status === 400 || status === 421, `${Host.join(' + ')}: ${status}`)
  }
})

test('B22, CR10, G50, G54: the origins that may use a loopback listener, and their neighbours', async (t) => {
  const { port, token } = await startTestServer(t, { http: { allowedOrigins: ['https://app.example.com'] } })
  const ask401 = (origin: string | readonly string[]) => ask(port, { headers: { Origin: origin } })
  for (const origin of [
    'https://mcp.example.com',
    'https://app.example.com',
    'http://localhost:6274',
    'http://127.0.0.1:1',
    'https://localhost',
    'http://[::1]:8080',
  ]) {
    const answer = await ask401(origin)
    assert.equal(answer.status, 401, origin)
    assert.equal(answer.headers['access-control-allow-origin'], origin)
    assert.match(answer.headers['access-control-expose-headers'] ?? '', /WWW-Authenticate.*Retry-After/)
    assert.match(answer.headers['vary'] ?? '', /Origin/)
  }
  for (const origin of [
    'http://evil.example',
    'null',
    '',
    '*',
    'not an origin',
    'http://localhost.evil.example',
    'http://evil.example#http://localhost',
    'http://localhost:6274/',
    'http://user@localhost:6274',
    'HTTP://localhost:6274',
    'file://localhost',
    'http://mcp.example.com',
    'https://mcp.example.com:8443',
    'https://app.example.com.evil.example',
    'https://sub.app.example.com',
    'http://app.example.com',
    ['https://app.example.com', 'http://evil.example'],
  ]) {
    const answer = await ask401(origin)
    assert.equal(answer.status, 403, String(origin))
    assert.equal(jsonOf(answer)['error'], 'origin_refused')
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
  }
  // No browser, no origin.
  const absent = await ask(port, legacy(token(), 'ping'))
  assert.equal(absent.status, 200)
  assert.equal(absent.headers['access-control-allow-origin'], undefined)
})

test('G54: loopback origins are strangers to a listener that others can reach', async (t) => {
  // The check is built from the listening address alone: nothing has to listen on other interfaces for it.
  const { createOriginCheck } = await import('#internal/http/origin')
  const publicUrl = new URL('https://mcp.example.com/mcp')
  const open = createOriginCheck(publicUrl, '0.0.0.0', [])
  const local = createOriginCheck(publicUrl, '127.0.0.1', [])
  t.assert.equal(local('http://localhost:6274'), true)
  t.assert.equal(open('http://localhost:6274'), false)
  t.assert.equal(open('https://mcp.example.com'), true)
})

test('G51: by default nobody is listened to but on 127.0.0.1', async (t) => {
  const { port } = await startTestServer(t)
  assert.equal((await ask(port, {})).status, 401)
  // Whoever listens on every address also answers at this one of the machine itself.
  const elsewhere = connect(port, '127.0.0.2')
  t.after(() => elsewhere.destroy())
  await assert.rejects(once(elsewhere, 'connect', { signal: AbortSignal.timeout(2000) }))
})

test('B22, CR10: the preflight is answered before the token is asked for; only for allowed origins', async (t) => {
  const { port } = await startTestServer(t)
  const preflight = (target: string, Origin: string) =>
    ask(port, {
      method: 'OPTIONS',
      target,
      headers: { Origin, 'Access-Control-Request-Method': 'POST' },
    })
  for (const [target, methods] of [
    ['/mcp', 'POST'],
    ['/mcp/', 'POST'],
    ['/tools/list', 'GET'],
    ['/tools/call', 'POST'],
  ] as const) {
    const allowed = await preflight(target, 'http://localhost:6274')
    assert.equal(allowed.status, 204)
    assert.equal(allowed.headers['access-control-allow-origin'], 'http://localhost:6274')
    assert.equal(allowed.headers['access-control-allow-methods'], methods)
    assert.equal(allowed.headers['access-control-allow-credentials'], undefined)
    const headers = (allowed.headers['access-control-allow-headers'] ?? '').toLowerCase().split(', ')
    for (const name of [
      'authorization',
      'content-type',
      'accept',
      'mcp-protocol-version',
      'mcp-session-id',
      'mcp-method',
      'mcp-name',
      'last-event-id',
    ]) {
      assert.ok(headers.includes(name), name)
    }
    assert.equal((await preflight(target, 'https://evil.example')).status, 403)
  }
})

for (const method of ['POST', 'GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT']) {
  for (const Authorization of [undefined, 'Bearer nonsense']) {
    test(`CR2: ${method} ${Authorization === undefined ? 'without a' : 'with a bad'} token is a 401 with one challenge`, async (t) => {
      const { port } = await startTestServer(t)
      for (const target of ['/mcp', '/mcp/', '/tools/call', '/tools/list']) {
        const { status, headers, body } = await ask(port, { method, target, headers: { Authorization } })
        assert.equal(status, 401)
        const error = Authorization === undefined ? '' : 'error="invalid_token", error_description="[^"]+", '
        assert.match(
          headers['www-authenticate'] ?? '',
          new RegExp(`^Bearer ${error}scope="notes:read", resource_metadata="${metadataUrl}"$`),
        )
        assert.equal(headers['cache-control'], 'no-store')
        if (method !== 'HEAD')
          assert.deepEqual(Object.keys(JSON.parse(body) as object), ['error', 'error_description'])
      }
    })
  }
}

test('CR7, G1: GET, DELETE and other methods with a token are refused with the method that is allowed', async (t) => {
  const { port, token } = await startTestServer(t)
  const headers = { Authorization: `Bearer ${token()}`, Accept: 'text/event-stream' }
  for (const [method, target, allow] of [
    ['GET', '/mcp', 'POST'],
    ['HEAD', '/mcp', 'POST'],
    ['DELETE', '/mcp/', 'POST'],
    ['PUT', '/mcp', 'POST'],
    ['OPTIONS', '/mcp', 'POST'],
    ['GET', '/tools/call', 'POST'],
    ['POST', '/tools/list', 'GET'],
  ] as const) {
    const answer = await ask(port, { method, target, headers })
    assert.equal(answer.status, 405, `${method} ${target}`)
    assert.equal(answer.headers['allow'], allow)
  }
})

test('B19: each request needs a token of its own; neither a session nor the connection is one', async (t) => {
  const { port, token } = await startTestServer(t)
  const connection = await openConnection(port)
  const session = { 'Mcp-Session-Id': 'abc' }
  const status = async (request: RawRequest): Promise<number> => {
    connection.send(formatRequest(port, request))
    return (await connection.answer()).status
  }
  const proven = legacy(token(), 'ping', undefined, session)
  for (const method of ['POST', 'GET', 'DELETE']) {
    assert.equal(await status(proven), 200)
    const headers = { ...proven.headers, Authorization: undefined }
    assert.equal(await status({ ...proven, method, headers }), 401)
  }
  connection.destroy()
})

test('B5, B6: malformed and repeated Authorization is a 400; another scheme is as none', async (t) => {
  const { port, token } = await startTestServer(t)
  const status = async (Authorization: string | readonly string[]): Promise<number> => {
    const request = legacy(token(), 'ping')
    return (await ask(port, { ...request, headers: { ...request.headers, Authorization } })).status
  }
  assert.equal(await status(`bearer  ${token()}`), 200)
  assert.equal(await status([`Bearer ${token()}`, `Bearer ${token()}`]), 400)
  assert.equal(await status([`Bearer ${token()}`, 'Basic eDp5']), 400)
  assert.equal(await status(`Bearer ${token()} extra`), 400)
  assert.equal(await status('Basic eDp5'), 401)
})

test('B2: a token in the query is not a token, and appears nowhere', async (t) => {
  const { port, token, records } = await startTestServer(t)
  const secret = token()
  const answer = await ask(port, { method: 'POST', target: `/mcp?access_token=${secret}` })
  assert.equal(answer.status, 401)
  assert.doesNotMatch(answer.headers['www-authenticate'] ?? '', /error=/)
  assert.ok(!JSON.stringify([answer, records()]).includes(secret.slice(-40)))
})

test('B18, CR11: every answer of the guarded addresses is kept out of caches', async (t) => {
  const { port, token } = await startTestServer(t)
  const connection = await openConnection(port)
  for (const request of [
    {},
    legacy(token(), 'ping'),
    legacy(token(), 'tools/call', { name: 'write_note' }),
    { target: '/tools/list', headers: { Authorization: `Bearer ${token()}` } },
    { headers: { Origin: 'https://evil.example' } },
  ]) {
    connection.send(formatRequest(port, request))
    assert.equal((await connection.answer()).headers['cache-control'], 'no-store')
  }
  connection.destroy()
})
