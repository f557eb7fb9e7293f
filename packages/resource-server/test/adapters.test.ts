import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { identityOf } from '@mcp-doorman/resource-server/mcp-sdk'
import { adapterServers, type AdapterServer, type Reply, type Seen } from './adapter-servers.ts'
import { parseChallenge } from './challenge-parser.ts'
import { callOf, nextOutcome, startGuarded, type Guarded } from './guarded.ts'
import { exchange, type Received, type Sent } from './http-exchange.ts'

/** A handler that answers as an MCP server does, and keeps what it was given. */
interface Behind {
  readonly seen: Seen[]
  /** Set to answer in some other way. */
  reply: ((seen: Seen) => Reply | Promise<Reply>) | undefined
}

const json = { 'content-type': 'application/json' }

function usualReply({ body }: Seen): Reply {
  const results = [body].flat().flatMap((message) => {
    const { id } = message as { id?: number } // The guard lets objects through, and lists of them.
    return id === undefined ? [] : [{ jsonrpc: '2.0', id, result: { content: [] } }]
  })
  if (results.length === 0) return { status: 202 }
  return { headers: json, body: JSON.stringify(Array.isArray(body) ? results : results[0]) }
}

interface World {
  readonly guarded: Guarded
  readonly behind: Behind
  readonly port: number
  readonly errors: unknown[]
  readonly send: (
    sent?: Sent & { readonly token?: string | undefined; readonly message?: unknown },
  ) => Promise<Received>
  readonly token: (claims?: Readonly<Record<string, unknown>>) => string
  /** What the handler was given since the last time. */
  readonly taken: () => readonly Seen[]
}

const rules = [
  { tools: ['read_file'], require: { scopes: ['files:read'] } },
  { tools: ['write_file'], require: { scopes: ['files:read', 'files:write'] } },
  { tools: ['audit_files'], require: { anyRole: ['staff'] } },
  { tools: ['secret_files'], require: { anyRole: ['staff'] }, otherwise: 'hide' },
  { resources: ['note://open/*'] },
] as const

async function start({ serve }: AdapterServer): Promise<World> {
  const guarded = await startGuarded({
    options: {
      rules,
      scopes: {
        'files:list': {},
        'files:read': {},
        'files:write': {},
        'files:all': { implies: ['files:read'] },
      },
    },
  })
  const behind: Behind = { seen: [], reply: undefined }
  const errors: unknown[] = []
  const { port, close } = await serve({
    resourceServer: guarded.server,
    handler: (seen) => {
      behind.seen.push(seen)
      return (behind.reply ?? usualReply)(seen)
    },
    options: {
      maxBodyBytes: 4096,
      allowedOrigins: ['https://page.example'],
      onHandlerError: (error) => void errors.push(error),
    },
  })
  after(close)
  return {
    guarded,
    behind,
    port,
    errors,
    token: (claims = {}) => guarded.issuer.sign({ claims }),
    send: ({ token, message, headers = [], ...sent } = {}) =>
      exchange(port, {
        ...(message !== undefined && { body: JSON.stringify(message) }),
        ...sent,
        headers: [
          ...(token === undefined ? [] : ['Authorization', `Bearer ${token}`]),
          'Content-Type',
          'application/json',
          'Accept',
          'application/json, text/event-stream',
          ...headers,
        ],
      }),
    taken: () => behind.seen.splice(0),
  }
}

const documentPaths = [
  '/.well-known/oauth-protected-resource/mcp',
  '/.well-known/oauth-protected-resource/mcp/',
  '/.well-known/oauth-protected-resource',
  '/mcp/.well-known/oauth-protected-resource',
]

for (const adapter of adapterServers) {
  const { name } = adapter
  const world = await start(adapter)
  const { behind, send, token, taken, guarded } = world

  test(`${name}: A1, A16, A17: the metadata may be read by anybody, and only read`, async () => {
    for (const path of documentPaths) {
      const page = { path, headers: ['Origin', 'https://stranger.example'] }
      const read = await send({ ...page, method: 'GET' })
      assert.deepEqual([read.status, read.json()], [200, guarded.server.metadata.document], path)
      assert.equal(read.headers['access-control-allow-origin'], '*')
      assert.equal(read.headers['content-type'], 'application/json')
      assert.match(String(read.headers['cache-control']), /^public, max-age=\d+$/)
      const head = await send({ ...page, method: 'HEAD' })
      assert.deepEqual([head.status, head.text], [200, ''])
      assert.equal((await send({ ...page, method: 'OPTIONS' })).status, 204)
      const post = await send({ ...page, message: {} })
      assert.deepEqual([post.status, post.headers['allow']], [405, 'GET, HEAD, OPTIONS'])
      assert.equal((post.json() as { error: string }).error, 'method_not_allowed')
    }
  })

  test(`${name}: B7, B11: without a token every method is challenged, and nothing runs`, async () => {
    for (const method of ['POST', 'GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT', 'PATCH']) {
      for (const path of ['/mcp', '/mcp/', '/mcp?access_token=x']) {
        const { status, headers, text } = await send({ method, path })
        assert.equal(status, 401, `${method} ${path}`)
        const { parameters } = parseChallenge(String(headers['www-authenticate']))
        assert.equal(parameters.get('error'), undefined)
        assert.equal(parameters.get('resource_metadata'), guarded.server.metadata.url)
        assert.equal(headers['cache-control'], 'no-store')
        if (method !== 'HEAD') assert.equal((JSON.parse(text) as { error: string }).error, 'unauthorized')
      }
    }
    assert.deepEqual(taken(), [])
  })

  test(`${name}: B22: a page's preflight is answered without a token, for the pages that may`, async () => {
    const ask = (origin: string): Promise<Received> =>
      send({ method: 'OPTIONS', headers: ['Origin', origin, 'Access-Control-Request-Method', 'POST'] })
    for (const origin of ['https://page.example', 'https://mcp.example']) {
      const { status, headers } = await ask(origin)
      assert.deepEqual([status, headers['access-control-allow-origin']], [204, origin])
      assert.match(String(headers['access-control-allow-headers']), /Authorization/)
      const called = await send({ token: token(), message: callOf('read_file'), headers: ['Origin', origin] })
      assert.deepEqual([called.status, called.headers['access-control-allow-origin']], [200, origin])
      const denied = await send({ headers: ['Origin', origin] })
      assert.equal(denied.headers['access-control-allow-origin'], origin)
      assert.match(String(denied.headers['access-control-expose-headers']), /WWW-Authenticate.*Retry-After/)
    }
    assert.equal(taken().length, 2)
    for (const origin of [
      'https://page.example:8443',
      'http://page.example',
      'https://a.page.example',
      'null',
    ]) {
      assert.equal((await ask(origin)).status, 403, origin)
      const called = await send({ token: token(), message: callOf('read_file'), headers: ['Origin', origin] })
      assert.deepEqual([called.status, (called.json() as { error: string }).error], [403, 'origin_refused'])
    }
    assert.deepEqual(taken(), [])
  })

  test(`${name}: B1, B4, B5, B6: a token is taken in every form that it has, and in no other`, async () => {
    const good = token()
    const statusOf = async (headers: readonly string[], path = '/mcp'): Promise<number> =>
      (await send({ headers, path, message: callOf('read_file') })).status
    for (const value of [`Bearer ${good}`, `bearer ${good}`, `BEARER  ${good}`]) {
      assert.equal(await statusOf(['Authorization', value]), 200, value.slice(0, 8))
    }
    assert.equal(taken().length, 3)
    for (const value of [
      `Bearer ${good} extra`,
      `Bearer ${good},`,
      'Bearer',
      `Bearer\t${good}`,
      `Bearer ${good}, Bearer x`,
    ]) {
      assert.equal(await statusOf(['Authorization', value]), 400, value.replace(good, '…'))
    }
    assert.equal(await statusOf(['Authorization', `Bearer ${good}`, 'Authorization', `Bearer ${good}`]), 400)
    assert.equal(await statusOf(['Authorization', 'Basic eA==', 'Authorization', `Bearer ${good}`]), 400)
    assert.equal(await statusOf(['Authorization', `Bearer ${good}`], `/mcp?access_token=${good}`), 400)
    assert.equal(await statusOf([], `/mcp?access_token=${good}`), 401)
    assert.deepEqual(taken(), [])
  })

  test(`${name}: B9, B10, E4, E5: what is wrong is said in its order, before anything runs`, async () => {
    const scopeless = { scope: '' }
    const expired = await send({
      token: token({ ...scopeless, exp: guarded.clock.now - 100 }),
      message: callOf('write_file'),
    })
    assert.equal(expired.status, 401)
    assert.equal(
      parseChallenge(String(expired.headers['www-authenticate'])).parameters.get('error'),
      'invalid_token',
    )
    const lacking = await send({ token: token(scopeless), message: callOf('write_file') })
    assert.equal(lacking.status, 403)
    const { parameters } = parseChallenge(String(lacking.headers['www-authenticate']))
    assert.equal(parameters.get('error'), 'insufficient_scope')
    assert.equal(parameters.get('scope'), 'files:read files:write')
    const refused = await send({ token: token(), message: callOf('audit_files') })
    assert.deepEqual([refused.status, (refused.json() as { error: { code: number } }).error.code], [200, 403])
    const hidden = await send({ token: token({ roles: [] }), message: callOf('secret_files') })
    const unknown = await send({ token: token(), message: callOf('nothing') })
    assert.equal(hidden.text.replace('secret_files', 'nothing'), unknown.text, 'E21')
    assert.deepEqual(taken(), [])
  })

  test(`${name}: the handler gets the body that was judged, the caller, and nothing of the token`, async () => {
    const signed = token({ scope: 'files:all', sub: 'bob' })
    const message = { ...callOf('read_file', 'my-id'), more: { deep: ['ä', null, 1.5] } }
    const headers = ['DPoP', 'proof', 'X-Own', 'kept', 'Mcp-Name', 'a', 'Mcp-Method', 'b', 'Mcp-Param-C', 'd']
    const { status, headers: answered } = await send({ token: signed, message, headers })
    assert.equal(status, 200)
    assert.equal(answered['cache-control'], 'no-store', 'B18')
    const [seen, ...others] = taken()
    assert.ok(seen !== undefined && others.length === 0)
    assert.deepEqual(seen.body, message)
    assert.deepEqual(seen.frameworkBody, message)
    assert.ok(seen.headers.includes('kept'))
    assert.deepEqual(
      seen.headers.filter((text) => text.startsWith('mcp-')),
      [],
      'what nobody compared in this era',
    )
    const told = [...seen.headers, JSON.stringify(seen.auth)].join('\n').toLowerCase()
    for (const secret of [
      'authorization',
      'bearer',
      'dpop',
      'proof',
      signed.toLowerCase(),
      signed.slice(-40).toLowerCase(),
    ]) {
      assert.ok(!told.includes(secret), secret.slice(0, 20))
    }
    const { auth } = seen
    assert.deepEqual(auth?.scopes, ['files:all', 'files:read'])
    assert.equal(auth.clientId, 'test-client')
    assert.equal(auth.expiresAt, guarded.clock.now + 600)
    assert.equal(auth.resource.href, 'https://mcp.example/mcp')
    assert.equal(auth.resourceMetadataUrl, guarded.server.metadata.url)
    assert.equal(identityOf(auth).subject, 'bob')
    assert.equal(auth.token, identityOf(auth).tokenId)
  })

  test(`${name}: J7, B21, B23: a body is bounded and must be a message; what is said of it is JSON`, async () => {
    const large = JSON.stringify({ ...callOf('read_file'), filler: 'x'.repeat(5000) })
    const bodies: readonly (readonly [sent: Sent, status: number])[] = [
      [{ body: large }, 413],
      [{ body: large, chunked: true }, 413],
      [{ body: large.slice(0, 1000), chunked: true }, 400],
      [{ body: '{' }, 400],
      [{ body: '' }, 400],
      [{ body: '[]' }, 400],
      [{ body: Buffer.from([0x7b, 0xff, 0x7d]) }, 400],
      [{ body: '"text"' }, 400],
    ]
    for (const [sent, status] of bodies) {
      const answer = await send({ ...sent, token: token() })
      assert.equal(answer.status, status, String(sent.body).slice(0, 20))
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.ok(!answer.text.includes(import.meta.dirname) && !answer.text.includes('    at '), answer.text)
      const stranger = await send(sent)
      assert.equal(stranger.status, 401, 'nobody’s body is looked at')
    }
    const form = await exchange(world.port, {
      headers: ['Authorization', `Bearer ${token()}`, 'Content-Type', 'application/x-www-form-urlencoded'],
      body: 'a=b',
    })
    assert.equal(form.status, 415)
    assert.deepEqual(taken(), [])
  })

  test(`${name}: E15: of a batch, what was refused in its place does not run, and is answered`, async () => {
    const batch = [
      callOf('read_file', 1),
      callOf('secret_files', 2),
      { jsonrpc: '2.0', method: 'notifications/cancelled' },
      callOf('audit_files', 'three'),
      { ...callOf('audit_files'), id: undefined },
    ]
    const { status, json: read } = await send({ token: token(), message: batch })
    assert.equal(status, 200)
    const told = (read() as { id: unknown; error?: { code: number } }[]).map(({ id, error }) => [
      id,
      error?.code,
    ])
    assert.deepEqual(told, [
      [1, undefined],
      [2, -32602],
      ['three', 403],
    ])
    const [seen] = taken()
    assert.deepEqual(seen?.body, [batch[0], batch[2]])
    assert.deepEqual(seen.frameworkBody, seen.body)
    assert.ok(!seen.headers.includes('content-length'), 'which was that of the whole batch')

    const onlyNote = await send({ token: token(), message: [batch[2], callOf('audit_files', 4)] })
    assert.deepEqual(
      [onlyNote.status, (onlyNote.json() as { id: unknown }[]).map(({ id }) => id)],
      [200, [4]],
    )
    assert.equal(taken().length, 1)
    const nothing = await send({ token: token(), message: [callOf('audit_files', 5)] })
    assert.deepEqual(
      (nothing.json() as { id: unknown }[]).map(({ id }) => id),
      [5],
    )
    assert.deepEqual(taken(), [], 'nothing was left to run')
    const lacking = await send({ token: token(), message: [callOf('read_file', 1), callOf('write_file', 2)] })
    assert.equal(lacking.status, 403)
    assert.deepEqual(taken(), [])
  })

  test(`${name}: what a handler throws is told to the operator and to nobody else`, async () => {
    behind.reply = () => {
      throw new Error('secret path /etc/x')
    }
    const answer = await send({ token: token(), message: callOf('read_file', 7) })
    behind.reply = undefined
    assert.equal(answer.status, 500)
    const error = { code: -32603, message: 'Internal error' }
    assert.deepEqual(answer.json(), { jsonrpc: '2.0', id: 7, error })
    assert.match(String(world.errors.splice(0)), /secret path/)
    assert.equal(taken().length, 1)
  })

  test(`${name}: B24: no other spelling of the path reaches the handler`, async () => {
    const paths = [
      '/MCP',
      '/Mcp/',
      '//mcp',
      '/mcp//',
      '/mcp/x',
      '/%6dcp',
      '/mcp%2f',
      '/mcp%2f..',
      '/mcp;a',
      '/x/mcp',
      '/mcp.',
    ]
    for (const path of paths) {
      const answer = await send({ path, token: token(), message: callOf('read_file') })
      assert.ok(
        answer.text === 'app' || answer.status === 404 || answer.status === 400,
        `${path}: ${answer.text}`,
      )
    }
    assert.deepEqual(taken(), [])
  })

  test(`${name}: K1: each call has its decision and its outcome on record`, async () => {
    const replies: readonly (readonly [reply: Reply | undefined, status: number, result: string])[] = [
      [undefined, 200, 'ok'],
      [
        { headers: json, body: '{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}' },
        200,
        'tool_error',
      ],
      [
        { headers: json, body: '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"x"}}' },
        200,
        'error',
      ],
      [{ status: 404, headers: json, body: '{}' }, 404, 'error'],
      [{ status: 202 }, 202, 'ok'],
      [{ headers: { 'content-type': 'text/plain' }, body: 'text' }, 200, 'ok'],
    ]
    for (const [reply, status, result] of replies) {
      const before = guarded.records().length
      behind.reply = reply && (() => reply)
      const answer = await send({ token: token(), message: callOf('read_file') })
      behind.reply = undefined
      if (reply !== undefined) assert.equal(answer.text, reply.body ?? '', 'nothing was changed')
      const outcome = await nextOutcome(guarded, before)
      assert.deepEqual([outcome['status'], outcome['result']], [status, result])
    }
    taken()
  })

  test(`${name}: two hundred at once are each answered for themselves`, async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, place) => {
        const good = place % 2 === 0
        const { status, text } = await send({
          token: good ? token() : 'bad',
          message: callOf('read_file', place),
        })
        return good
          ? status === 200 && (JSON.parse(text) as { id: number }).id === place
          : status === 401 || status === 429
      }),
    )
    assert.ok(answers.every(Boolean))
    assert.equal(taken().length, 100)
  })
}
