import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf, legacy } from './messages.ts'
import { ask, formatRequest, openConnection } from './raw-http.ts'
import { metadataUrl, resource, startTestServer } from './test-server.ts'

const wellKnown = '/.well-known/oauth-protected-resource'
const documentPaths = [`${wellKnown}/mcp`, wellKnown, `/mcp${wellKnown}`].flatMap((path) => [
  path,
  `${path}/`,
])

test('A1, A3, A4, A5, A17: the metadata stands at its three paths, with and without the final slash', async (t) => {
  const { port, issuer } = await startTestServer(t)
  for (const target of documentPaths) {
    const answer = await ask(port, { target })
    assert.equal(answer.status, 200, target)
    assert.deepEqual(
      jsonOf(answer),
      {
        resource,
        authorization_servers: [issuer.issuer],
        scopes_supported: ['notes:read', 'notes:write', 'notes:move'],
        bearer_methods_supported: ['header'],
        resource_name: 'Notes',
      },
      target,
    )
    assert.match(answer.headers['cache-control'] ?? '', /^public, max-age=\d{1,4}$/)
    assert.equal(answer.headers['access-control-allow-origin'], '*')
    assert.equal(answer.headers['set-cookie'], undefined)
  }
})

test('CR5: the address answers with and without its final slash, and nothing redirects', async (t) => {
  const { port, token } = await startTestServer(t)
  const statuses: number[] = []
  for (const target of [
    '/mcp',
    '/mcp/',
    '/',
    '/mcp//',
    '/mcp/x',
    ...documentPaths.map((path) => `${path}/x`),
  ]) {
    const { status, headers } = await ask(port, { ...legacy(token(), 'ping'), target })
    statuses.push(status)
    assert.equal(headers['location'], undefined, target)
  }
  assert.deepEqual(statuses, [200, 200, ...Array.from({ length: 9 }, () => 404)])
})

test('A2: the metadata of a resource without a path stands at the bare well-known address', async (t) => {
  const { port, token } = await startTestServer(t, {
    resourceServer: { resource: 'https://mcp.example.com' },
  })
  for (const target of [wellKnown, `${wellKnown}/`]) {
    assert.equal(jsonOf(await ask(port, { target }))['resource'], 'https://mcp.example.com', target)
  }
  const ping = { ...legacy(token({ aud: 'https://mcp.example.com' }), 'ping'), target: '/' }
  assert.equal((await ask(port, ping)).status, 200)
  assert.equal((await ask(port, { target: '/mcp' })).status, 404)
})

test('A16: pages of any origin may read the metadata, ask before it, and ask for its head', async (t) => {
  const { port } = await startTestServer(t)
  for (const target of documentPaths) {
    const headers = { Origin: 'https://stranger.example' }
    const read = await ask(port, { target, headers })
    assert.equal(read.status, 200)
    assert.equal(read.headers['access-control-allow-origin'], '*')

    const head = await ask(port, { method: 'HEAD', target, headers })
    assert.equal(head.status, 200)
    assert.equal(head.headers['content-length'], read.headers['content-length'])

    const preflight = { ...headers, 'Access-Control-Request-Method': 'GET' }
    const allowed = await ask(port, { method: 'OPTIONS', target, headers: preflight })
    assert.equal(allowed.status, 204)
    assert.equal(allowed.headers['access-control-allow-origin'], '*')
    assert.match(allowed.headers['access-control-allow-headers'] ?? '', /MCP-Protocol-Version/)
  }
})

test('the answer to HEAD has no body, so that the next answer on the connection is not mistaken', async (t) => {
  const { port } = await startTestServer(t)
  const connection = await openConnection(port)
  for (const target of [wellKnown, '/mcp', '/nothing']) {
    connection.send(formatRequest(port, { method: 'HEAD', target }))
    assert.ok((await connection.answer(true)).status >= 200)
  }
  connection.send(formatRequest(port, { target: wellKnown }))
  assert.equal(jsonOf(await connection.answer())['resource'], resource)
  connection.destroy()
})

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND']) {
  test(`A16: ${method} on the metadata is refused, with the methods that are allowed`, async (t) => {
    const { port } = await startTestServer(t)
    const answer = await ask(port, { method, target: wellKnown })
    assert.equal(answer.status, 405)
    assert.equal(answer.headers['allow'], 'GET, HEAD, OPTIONS')
    assert.equal(jsonOf(answer)['error'], 'method_not_allowed')
  })
}

test('CR3: what is not there under /.well-known/ is a 404 in JSON that every page may read', async (t) => {
  const { port } = await startTestServer(t)
  for (const target of [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration/mcp',
    `${wellKnown}/other`,
    `${wellKnown}/mcp/x`,
    '/mcp/.well-known/openid-configuration',
  ]) {
    const answer = await ask(port, { target })
    assert.equal(answer.status, 404, target)
    assert.equal(jsonOf(answer)['error'], 'not_found')
    assert.equal(answer.headers['access-control-allow-origin'], '*')
  }
  const elsewhere = await ask(port, { target: '/favicon.ico' })
  assert.equal(elsewhere.status, 404)
  assert.equal(jsonOf(elsewhere)['error'], 'not_found')
  assert.equal(elsewhere.headers['access-control-allow-origin'], undefined)
})

test('A15, CR1: nothing that a request says of its own address is in any answer', async (t) => {
  const { port, token } = await startTestServer(t)
  const headers = {
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Proto': 'gopher',
    'X-Forwarded-Port': '4711',
    'X-Original-URL': '/evil',
    Forwarded: 'host=evil.example;proto=gopher',
  }
  const requests = [
    ...documentPaths.map((target) => ({ target, headers })),
    { headers },
    { method: 'HEAD', headers },
    { target: '/nothing', headers },
    { headers: { ...headers, Host: 'evil.example' } },
    { target: 'http://evil.example/mcp', headers },
    legacy(token(), 'initialize', {}, headers),
    { ...legacy(token(), 'tools/call', { name: 'write_note' }, headers) },
  ]
  for (const request of requests) {
    const answer = await ask(port, request)
    assert.doesNotMatch(JSON.stringify(answer), /evil|gopher|4711|127\.0\.0\.1:\d+\/mcp/)
  }
})

test('A14, CR1, CR2: the challenge of a 401 leads to the metadata', async (t) => {
  const { port } = await startTestServer(t)
  const { headers } = await ask(port, {})
  const [, url] = /resource_metadata="([^"]+)"/.exec(headers['www-authenticate'] ?? '') ?? []
  assert.equal(url, metadataUrl)
  const document = jsonOf(await ask(port, { target: new URL(url ?? '').pathname }))
  assert.equal(document['resource'], resource)
})

for (const target of [
  '/MCP',
  '/Mcp',
  '//mcp',
  '/mcp//',
  '/./mcp',
  '/x/../mcp',
  '/mcp/x',
  '/mcp/..',
  '/mcp%2f',
  '/mcp%2f..',
  '/%6dcp',
  '/mcp;a=b',
  '/mcp%00',
  '/mcp%3f',
  '/mcp\\',
  '/tools',
  '/TOOLS/list',
  '/tools/list/',
  '/tools//call',
  '/mcp/tools/call',
]) {
  test(`B24: ${target} is another address, with a token and without`, async (t) => {
    const { port, token, records } = await startTestServer(t)
    assert.equal((await ask(port, { target })).status, 404)
    assert.equal((await ask(port, { ...legacy(token(), 'ping'), target })).status, 404)
    assert.deepEqual(records(), []) // No decision, since nothing was asked for.
  })
}

test('B24: an absolute target is read for its exact path, and only at a host of ours', async (t) => {
  const { port, token } = await startTestServer(t)
  const status = async (target: string): Promise<number> =>
    (await ask(port, { ...legacy(token(), 'ping'), target })).status
  const own = `127.0.0.1:${port}`
  assert.equal(await status(`http://${own}/mcp`), 200)
  assert.equal(await status('https://mcp.example.com/mcp?x=1'), 200)
  assert.equal(await status(`http://${own}/x/../mcp`), 404)
  assert.equal(await status(`http://${own}/%2e%2e/mcp`), 404)
  assert.equal(await status(`http://${own}/MCP`), 404)
  assert.equal(await status(`http://${own}`), 404)
  assert.equal(await status(`http://user@${own}/mcp`), 421)
  assert.equal(await status(`ftp://${own}/mcp`), 421)
  assert.equal(await status('http://evil.example/mcp'), 421)
  assert.equal(await status(`http://evil.example\\@${own}/mcp`), 400)
})

test('A21: without a token only the documents are open, whatever the method', async (t) => {
  const { port } = await startTestServer(t)
  const targets = [...documentPaths, '/', '/mcp', '/mcp/', '/mcp?x', '/tools/list', '/tools/call', '/health']
  for (const target of targets) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
      const { status } = await ask(port, { method, target })
      const open = target.includes('.well-known')
        ? { GET: 200, HEAD: 200, OPTIONS: 204 }[method]
        : target === '/' || target === '/health'
          ? 404
          : 401
      assert.equal(status, open ?? 405, `${method} ${target}`)
    }
  }
})

test('G42: the addresses of the transport of 2024-11-05 are not there', async (t) => {
  const { port, token } = await startTestServer(t, { mount: { sessions: {} } })
  for (const target of ['/sse', '/messages', '/mcp/sse', '/mcp/messages']) {
    for (const method of ['GET', 'POST']) {
      const headers = { Authorization: `Bearer ${token()}`, Accept: 'text/event-stream' }
      assert.equal((await ask(port, { method, target, headers })).status, 404)
    }
  }
})
