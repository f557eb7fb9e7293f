import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import {
  createEndpoint,
  startHttp,
  type EndpointOptions,
  type HttpOptions,
  type Tool,
} from '@mcp-doorman/mcp-endpoint'
import { createResourceServer, type ResourceServer } from '@mcp-doorman/resource-server'
import { listedTools } from './listed-tools.ts'
import { legacy } from './messages.ts'
import { ask } from './raw-http.ts'
import { echo, startTestServer, toolOf } from './test-server.ts'

const described = { name: 'n', version: '1' }

/** The problems that construction lists; none when it succeeds. */
function problemsOf(options: unknown): readonly string[] {
  try {
    createEndpoint(options as EndpointOptions) // Plain JavaScript passes anything.
    return []
  } catch (error) {
    assert.ok(error instanceof TypeError)
    const [first, ...problems] = error.message.split('\n- ')
    assert.equal(first, 'The endpoint cannot be built:')
    return problems
  }
}

function withTool(change: Readonly<Record<string, unknown>>): readonly string[] {
  return problemsOf({ ...described, tools: [{ ...echo, ...change }] })
}

for (const [name, allowed] of [
  ['a', true],
  ['A-Z_a.z-09', true],
  ['a'.repeat(128), true],
  ['__proto__', true],
  ['constructor', true],
  ['', false],
  ['a'.repeat(129), false],
  ['a b', false],
  ['a/b', false],
  ['é', false],
  ['a\n', false],
  ['a*', false],
] as const) {
  test(`a tool ${allowed ? 'may' : 'may not'} be called ${JSON.stringify(name.slice(0, 20))} (${name.length})`, () => {
    const problems = withTool({ name })
    assert.equal(problems.length, allowed ? 0 : 1)
    if (!allowed) assert.match(problems[0] ?? '', /a tool's name has 1 to 128 letters/)
  })
}

for (const [name, inputSchema] of [
  ['another type', { type: 'string' }],
  ['no type', {}],
  ['nothing', undefined],
  ['an unknown keyword', { type: 'object', proprties: {} }],
  ['a type that does not exist', { type: 'object', properties: { a: { type: 'text' } } }],
  ['a required property that is not described', { type: 'object', required: ['a'] }],
  [
    'a reference to another place',
    { type: 'object', properties: { a: { $ref: 'https://evil.example/schema' } } },
  ],
  ['a reference to nothing', { type: 'object', properties: { a: { $ref: '#/$defs/a' } } }],
  ['a broken pattern', { type: 'object', properties: { a: { type: 'string', pattern: '(' } } }],
] as const) {
  test(`G26: a schema with ${name} is refused at the start`, () => {
    const problems = withTool({ inputSchema })
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', /^"echo"\.inputSchema: /)
  })
}

test('every mistake is listed at once, with the tool and the part of it', () => {
  const problems = problemsOf({
    ...described,
    listTtlSecond: 1,
    callTimeoutSeconds: 0,
    listTtlSeconds: Number.NaN,
    tools: [
      echo,
      echo,
      { ...echo, name: 'bad name' },
      { ...echo, name: 'b', inputSchema: { type: 'array' }, outputSchema: { type: 'object', items: 1 } },
      { ...echo, name: 'c', call: 'echo' },
    ],
  })
  assert.deepEqual(
    problems.map((problem) => /^[^:]+/.exec(problem)?.[0]),
    [
      'listTtlSecond',
      'callTimeoutSeconds',
      'listTtlSeconds',
      '"echo"',
      '"bad name"',
      '"b".inputSchema',
      '"b".outputSchema',
      '"c".call',
    ],
  )
  assert.match(problems[0] ?? '', /is not an option\. Known are callTimeoutSeconds, /)
  assert.equal(problems[1], 'callTimeoutSeconds: must be 1 to 3600, and is 0.')
})

test('what is changed about a tool after construction changes nothing', async () => {
  const tool = { ...toolOf('kept', () => ({ content: [] })) }
  const endpoint = createEndpoint({ ...described, tools: [tool] })
  Object.assign(tool, { name: 'changed', description: 'Changed.' })
  assert.match(await listedTools(endpoint), /"kept".*Does kept\./)
})

test('functions and hidden parts of a tool are not listed', async () => {
  const tool: Tool = { ...echo, title: 'Echo', annotations: { readOnlyHint: true } }
  const text = await listedTools(createEndpoint({ ...described, tools: [tool] }))
  const [listed] = JSON.parse(text) as Record<string, unknown>[] // It lists one tool.
  assert.deepEqual(listed, {
    name: 'echo',
    description: echo.description,
    inputSchema: echo.inputSchema,
    title: 'Echo',
    annotations: { readOnlyHint: true },
  })
})

/** A resource server that asks nobody anything. */
function idleResourceServer(t: TestContext): ResourceServer {
  const resourceServer = createResourceServer({
    resource: 'https://mcp.example.com/mcp',
    issuers: [{ issuer: 'https://issuer.example.com' }],
    scopes: {},
    rules: [],
    audit: { write: () => undefined, available: () => true, close: () => Promise.resolve() },
  })
  t.after(() => resourceServer.close())
  return resourceServer
}

test('E3: without a guard HTTP is not served, and without a decision nothing runs', async (t) => {
  let calls = 0
  const counted = toolOf('counted', () => ((calls += 1), { content: [] }))
  const { port, token } = await startTestServer(t, { tools: [counted] })
  const call = legacy(token(), 'tools/call', { name: 'counted' })
  assert.equal((await ask(port, call)).status, 200)
  assert.equal(calls, 1)

  const resourceServer = idleResourceServer(t)
  const notGuarding = [
    () => Promise.reject(new Error('the guard broke')),
    () => Promise.resolve(undefined),
    () => Promise.resolve({}),
  ]
  for (const guard of notGuarding) {
    // Plain JavaScript passes anything.
    const broken = { ...resourceServer, guard: guard as unknown as ResourceServer['guard'] }
    const open = await startTestServer(t, { tools: [counted], mount: { resourceServer: broken } })
    const warned = once(process, 'warning')
    await assert.rejects(ask(open.port, call), /The connection ended after: ""/)
    await warned
  }
  const endpoint = createEndpoint({ ...described, tools: [counted] })
  for (const mount of [{ endpoint }, { endpoint, resourceServer: null }, { endpoint, resourceServer: {} }]) {
    const options = { mounts: [mount] } as unknown as HttpOptions // As above.
    await assert.rejects(startHttp(options), /mounts\[0\]\.resourceServer: is no resource server\./)
  }
  for (const mounts of [undefined, [], {}]) {
    await assert.rejects(startHttp({ mounts } as unknown as HttpOptions), /mounts: is empty/)
  }
  assert.equal(calls, 1)
})

test('startHttp refuses unknown options, numbers out of range and addresses that can never match, all at once', async (t) => {
  const options = {
    mounts: [
      {
        endpoint: createEndpoint({ ...described, tools: [] }),
        resourceServer: idleResourceServer(t),
        maxBodyBytes: 1023,
        session: {},
        sessions: { idleSeconds: 0 },
      },
    ],
    timeout: 5,
    port: 65_536,
    maxBodyBytesUnderWay: 1022,
    maxConnections: 0,
    drainSeconds: '1',
    headersTimeoutSeconds: 31,
    allowedHosts: ['good.example', 'https://bad.example'],
    allowedOrigins: ['https://good.example', 'https://bad.example/', 'bad.example', 'null', '*'],
  }
  const started = startHttp(options as unknown as HttpOptions) // Plain JavaScript passes anything.
  await assert.rejects(started, (error: Error) => {
    assert.deepEqual(
      error.message.split('\n- ').map((problem) => /^[^:]+: ?(?:"[^"]+")?/.exec(problem)?.[0]),
      [
        'HTTP cannot be served:',
        'mounts[0].maxBodyBytes: ',
        'mounts[0].session: ',
        'mounts[0].sessions.idleSeconds: ',
        'timeout: ',
        'port: ',
        'maxBodyBytesUnderWay: ',
        'maxConnections: ',
        'drainSeconds: ',
        'requestTimeoutSeconds: ',
        'maxBodyBytesUnderWay: ',
        'allowedHosts: "https://bad.example"',
        'allowedOrigins: "https://bad.example/"',
        'allowedOrigins: "bad.example"',
        'allowedOrigins: "null"',
        'allowedOrigins: "*"',
      ],
    )
    return true
  })
})
