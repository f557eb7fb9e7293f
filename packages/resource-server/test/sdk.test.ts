/** What the official SDK leaves open, with our adapter in front of it; and the scope challenges of its conformance suite. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as OlderClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OlderTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import express from 'express'
import { createResourceServer } from '@mcp-doorman/resource-server'
import { protect } from '@mcp-doorman/resource-server/express'
import { identityOf } from '@mcp-doorman/resource-server/mcp-sdk'
import { listen } from './adapter-servers.ts'
import { callOf, createMemorySink } from './guarded.ts'
import { exchange, type Received } from './http-exchange.ts'
import { askMcp, resultIn, type McpRequest } from './mcp-request.ts'
import { sdks, serveBehind } from './official-sdk.ts'
import {
  names,
  rules as fixtureRules,
  scopes as fixtureScopes,
  startChallenging,
  testScopeChallenges,
} from './scope-challenges.ts'

const guarded = await startChallenging({
  rules: [
    ...fixtureRules,
    { tools: ['sdk_checked'], require: { scopes: ['notes:read'] } },
    {
      tools: ['secret_tool'],
      resources: ['test://secret'],
      prompts: ['secret_prompt'],
      require: { anyRole: ['staff'] },
      otherwise: 'hide',
    },
  ],
  scopes: {
    ...fixtureScopes,
    'notes:read': {},
    'notes:write': { implies: ['notes:read'] },
    'notes:admin': { implies: ['notes:write'] },
  },
  challengeScopes: ['notes:read'],
})

interface Ask extends Omit<McpRequest, 'token'> {
  readonly scope?: string
  readonly claims?: Readonly<Record<string, unknown>>
}

/** Asks with a signed token for these scopes, and with these claims. */
function ask(port: number, { scope = '', claims = {}, ...request }: Ask): Promise<Received> {
  return askMcp(port, { ...request, token: guarded.issuer.sign({ claims: { scope, ...claims } }) })
}

for (const { name: sdk, eras, handler } of sdks) {
  const ran: string[] = []
  const { port, close } = await serveBehind(guarded.server, handler(ran))
  after(close)
  // What E4, E5 and M4 ask of a scope challenge.
  testScopeChallenges({ name: sdk, eras, guarded, port, ran })

  for (const era of eras) {
    test(`${sdk}, ${era}: E9, E12: its lists show what their caller may know of`, async () => {
      const listed = async (claims: object): Promise<unknown> => {
        const found: string[] = []
        for (const method of ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']) {
          const result = resultIn(await ask(port, { era, method, claims: { ...claims } }))
          for (const list of ['tools', 'resources', 'resourceTemplates', 'prompts']) {
            const entries = (result[list] ?? []) as { name?: string; uri?: string; uriTemplate?: string }[]
            found.push(...entries.map(({ uri, uriTemplate, name }) => uri ?? uriTemplate ?? name ?? ''))
          }
        }
        return found.toSorted()
      }
      const open = [names.tool, 'sdk_checked', names.static, names.templatePattern, names.prompt]
      assert.deepEqual(await listed({}), open.toSorted())
      const secret = ['secret_tool', 'test://secret', 'secret_prompt']
      assert.deepEqual(await listed({ roles: ['staff'] }), [...open, ...secret].toSorted())
    })

    test(`${sdk}, ${era}: E21: what is hidden is answered as what is not there`, async () => {
      const call = (name: string): Promise<Received> =>
        ask(port, { era, method: 'tools/call', params: { name }, name })
      const [hidden, missing] = [await call('secret_tool'), await call('missing_tool')]
      assert.equal(hidden.text.replaceAll('secret_tool', 'missing_tool'), missing.text)
      assert.equal(hidden.status, missing.status)
    })

    test(`${sdk}, ${era}: E3, E6: its handlers are told the caller, and its own scope check agrees with the hierarchy`, async () => {
      const call = { era, method: 'tools/call', params: { name: 'sdk_checked' }, name: 'sdk_checked' }
      const told = resultIn(await ask(port, { ...call, scope: 'notes:admin', claims: { sub: 'bob' } }))
      assert.deepEqual(told['content'], [{ type: 'text', text: 'for bob' }])
      if (!sdk.startsWith('SDK 2')) return
      const short = await ask(port, { ...call, scope: 'notes:read' })
      assert.equal(
        short.status,
        403,
        'that check is the SDK’s, which lets everybody in where it is told nobody',
      )
    })
  }

  test(`${sdk}: B6, B9: no second word, and expiry before scope`, async () => {
    const good = guarded.issuer.sign({ claims: { scope: 'notes:read' } })
    const expired = guarded.issuer.sign({ claims: { scope: '', exp: guarded.clock.now - 100 } })
    const statusFor = async (authorization: string): Promise<number> => {
      const headers = ['Authorization', authorization, 'Content-Type', 'application/json']
      return (await exchange(port, { headers, body: JSON.stringify(callOf(names.tool)) })).status
    }
    assert.equal(await statusFor(`Bearer ${good} extra`), 400)
    assert.equal(await statusFor(`Bearer ${expired}`), 401)
    assert.deepEqual(ran, [])
  })

  test(`${sdk}: E15, E16: a batch is judged whole, and taken in its own revision only`, async () => {
    const token = guarded.issuer.sign({ claims: { scope: 'notes:read' } })
    const batch = JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'tools/list' }, callOf('secret_tool', 2)])
    const send = (version: string): Promise<Received> =>
      exchange(port, {
        headers: [
          'Authorization',
          `Bearer ${token}`,
          'Content-Type',
          'application/json',
          'Accept',
          'application/json, text/event-stream',
          'MCP-Protocol-Version',
          version,
        ],
        body: batch,
      })
    assert.equal((await send('2025-11-25')).status, 400)
    const { status, text } = await send('2025-03-26')
    assert.equal(status, 200)
    assert.ok(text.includes('"id":2,"error":{"code":-32602') && text.includes(names.tool), text)
    assert.ok(!text.includes('Is hidden.'), text)
  })
}

test('E3: a handler that no guard has let anybody into finds no caller', () => {
  const claimed = {
    token: 'x',
    clientId: 'c',
    scopes: ['notes:write'],
    extra: { identity: { subject: 'alice' } },
  }
  for (const authInfo of [undefined, {}, claimed]) {
    assert.throws(() => identityOf(authInfo), /No guard has let this request in/)
  }
})

test('A2, A6, A16, B22, B23: a resource at the root of Express keeps its name, its documents may be read, and no error is HTML', async () => {
  const audit = createMemorySink()
  const resourceServer = createResourceServer({
    resource: 'http://127.0.0.1',
    issuers: [{ issuer: guarded.issuer.issuer }],
    scopes: {},
    rules: [],
    audit,
  })
  after(() => resourceServer.close())
  const app = express()
  app.use(protect(resourceServer, () => assert.fail('nobody may come here')))
  const { port, close } = await listen(app)
  after(close)
  const path = '/.well-known/oauth-protected-resource'
  const page = ['Origin', 'https://stranger.example']
  const document = await exchange(port, { method: 'GET', path, headers: page })
  assert.equal((document.json() as { resource: string }).resource, 'http://127.0.0.1', 'without a slash')
  const head = await exchange(port, { method: 'HEAD', path })
  assert.deepEqual([head.status, head.text], [200, ''], 'HEAD is no 405')
  const loopback = ['Origin', 'http://localhost:6274', 'Access-Control-Request-Method', 'POST']
  const preflight = await exchange(port, { method: 'OPTIONS', path: '/', headers: loopback })
  assert.equal(preflight.status, 204, 'a preflight is no 401')
  const token = guarded.issuer.sign({ claims: { aud: 'http://127.0.0.1' } })
  for (const body of ['{', `[${'['.repeat(100_000)}`, `{"a":"${'x'.repeat(5_000_000)}"}`]) {
    for (const headers of [[], ['Authorization', `Bearer ${token}`]]) {
      const answer = await exchange(port, {
        path: '/',
        headers: ['Content-Type', 'application/json', ...headers],
        body,
      })
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.ok([400, 401, 413].includes(answer.status), String(answer.status))
      assert.ok(!/<|node_modules|\.js:/.test(answer.text), answer.text)
    }
  }
})

test('a server of SDK 1.x with sessions works through the adapter: its stream tells, and its end ends it', async () => {
  const transports = new Map<string, StreamableHTTPServerTransport>()
  const servers: McpServer[] = []
  const { port, close } = await serveBehind(guarded.server, async (request, response, body) => {
    const session = request.headers['mcp-session-id']
    let transport = transports.get(String(session))
    if (transport === undefined) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void transports.set(id, transport as StreamableHTTPServerTransport),
      })
      const server = new McpServer({ name: 'sessions', version: '1.0.0' })
      server.registerTool('sdk_checked', {}, () => ({ content: [] }))
      servers.push(server)
      await server.connect(transport)
    }
    await transport.handleRequest(request, response, body)
  })
  after(close)
  const token = guarded.issuer.sign({ claims: { scope: 'notes:read' } })
  const client = new OlderClient({ name: 'test', version: '1.0.0' })
  const transport = new OlderTransport(new URL(`http://127.0.0.1:${port}/mcp`), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
  })
  const told = new Promise<void>((resolve) => {
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve())
  })
  await client.connect(transport)
  assert.deepEqual(
    (await client.listTools()).tools.map(({ name }) => name),
    ['sdk_checked'],
  )
  // The stream opens after the client is connected: until it has, nobody is told.
  const telling = setInterval(() => servers[0]?.sendToolListChanged(), 20)
  await told
  clearInterval(telling)
  await transport.terminateSession()
  await client.close()
  assert.equal(transports.size, 1)
})

test('the official client speaks through the adapter in both eras', async () => {
  const [sdk] = sdks
  assert.ok(sdk !== undefined)
  const { port, close } = await serveBehind(guarded.server, sdk.handler([]))
  after(close)
  const token = guarded.issuer.sign({ claims: { scope: 'notes:admin', sub: 'carol' } })
  for (const mode of ['auto', 'legacy'] as const) {
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } })
    const url = new URL(`http://127.0.0.1:${port}/mcp`)
    await client.connect(
      new StreamableHTTPClientTransport(url, {
        requestInit: { headers: { Authorization: `Bearer ${token}` } },
      }),
    )
    const { tools } = await client.listTools()
    assert.deepEqual(tools.map(({ name }) => name).toSorted(), ['sdk_checked', names.tool])
    const { content } = await client.callTool({ name: 'sdk_checked', arguments: {} })
    assert.deepEqual(content, [{ type: 'text', text: 'for carol' }])
    await client.close()
  }
})
