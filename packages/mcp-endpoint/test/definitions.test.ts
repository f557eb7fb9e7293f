import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  CallerError,
  createEndpoint,
  defineTool,
  type EndpointOptions,
  type Prompt,
  type Resource,
  type ResourceTemplate,
  type Tool,
} from '@mcp-doorman/mcp-endpoint'
import { errorCode, jsonOf, legacy, member, modern, resultOf, type Json } from './messages.ts'
import { ask, type RawRequest } from './raw-http.ts'
import { startTestServer, toolOf, type TestServer } from './test-server.ts'

const readable = { scopes: ['notes:read'] }
const note = (uri: string, text: string): Resource => ({
  uri,
  name: uri.slice(uri.lastIndexOf('/') + 1),
  mimeType: 'text/plain',
  access: readable,
  read: () => text,
})
const resources: readonly Resource[] = [
  note('note:///one', 'The first.'),
  { ...note('note:///shared', 'For all.'), ttlSeconds: 60, sameForAll: true },
  { ...note('note:///locked', 'For writers.'), access: { scopes: ['notes:write'] } },
  { ...note('note:///staff', 'For staff.'), access: { anyRole: ['staff'], otherwise: 'hide' } },
  { ...note('note:///gone', ''), read: () => undefined },
  { ...note('note:///empty', ''), read: () => [] },
  {
    ...note('note:///blob', ''),
    read: () => Promise.resolve([{ uri: 'note:///blob', mimeType: 'image/png', blob: 'AAAA' }]),
  },
  { ...note('note:///broken', ''), read: () => assert.fail('canary') },
]
const templates: readonly ResourceTemplate[] = [
  {
    uriTemplate: 'day:///{year}/{+rest}',
    name: 'Days',
    access: readable,
    read: (uri, { year, rest }) => (year === '2026' ? `${uri} is ${rest} in ${year}` : undefined),
    list: (cursor) =>
      cursor === undefined
        ? {
            resources: [
              { uri: 'day:///2026/one', name: 'One' },
              { uri: 'day:///2026/../x', name: 'A way up' },
              { uri: 'other:///secret', name: 'Somebody else’s' },
            ],
            nextCursor: 'two',
          }
        : { resources: [{ uri: `day:///2026/${cursor}`, name: 'Two' }] },
    complete: {
      year: (value) => ['2025', '2026'].filter((year) => year.startsWith(value)),
      rest: (value, { year }) => [`${value}-${year}`, 'locked'],
    },
  },
]
const prompts: readonly Prompt[] = [
  {
    name: 'summary',
    title: 'Summary',
    description: 'Sums up a note.',
    access: readable,
    arguments: {
      note: {
        description: 'Which one',
        required: true,
        complete: (value) => Array.from({ length: 150 }, (_, i) => `${value}${i}`),
      },
      length: {},
    },
    get: ({ note, length = 'short' }) => `Sum up ${note}, ${length}.`,
  },
  { name: 'plain', access: { scopes: ['notes:write'] }, get: () => ({ messages: [] }) },
]
const tools: readonly Tool[] = [
  { ...toolOf('text', () => 'A text.'), access: readable },
  { ...toolOf('open', () => 'For everybody with a token.'), access: {} },
  {
    ...toolOf('structured', () => ({ structuredContent: { sum: 3 } })),
    outputSchema: { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'] },
    access: readable,
  },
  {
    ...toolOf('promise_broken', () => ({ content: [], structuredContent: { sum: 'three' } })),
    outputSchema: { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'] },
    access: readable,
  },
  {
    ...toolOf('failing', () => ({ content: [{ type: 'text', text: 'No.' }], isError: true })),
    outputSchema: { type: 'object', properties: { sum: {} }, required: ['sum'] },
    access: readable,
  },
  toolOf('unnamed', () => 'No rule names it.'),
]
const offered: Partial<EndpointOptions> = { tools, resources, templates, prompts }

/** A server whose rules are those that its definitions carry. */
function start(t: TestContext, endpoint: Partial<EndpointOptions> = {}): Promise<TestServer> {
  const { rules } = createEndpoint({ name: 'notes', version: '1', ...offered })
  return startTestServer(t, { endpoint: { ...offered, ...endpoint }, resourceServer: { rules } })
}

/** A modern request with its `Mcp-Name`. */
function read(token: string, uri: string): RawRequest {
  return modern(token, 'resources/read', { uri }, { 'Mcp-Name': uri })
}

const items = (result: Json, name: string): readonly Json[] => {
  const list = result[name]
  assert.ok(Array.isArray(list))
  return list as readonly Json[] // Every list has objects.
}

test('capabilities say what is offered, and nothing that is not', async (t) => {
  const { port, token } = await start(t)
  const all = {
    tools: { listChanged: false },
    resources: { subscribe: false, listChanged: false },
    prompts: { listChanged: false },
    completions: {},
  }
  assert.deepEqual(resultOf(await ask(port, modern(token(), 'server/discover')))['capabilities'], all)
  assert.deepEqual(resultOf(await ask(port, legacy(token(), 'initialize')))['capabilities'], all)
})

test('what is not offered has no methods', async (t) => {
  const { port, token } = await startTestServer(t)
  for (const method of [
    'resources/list',
    'resources/templates/list',
    'prompts/list',
    'logging/setLevel',
    'subscriptions/listen',
  ]) {
    const params = { notifications: {} }
    assert.equal(errorCode(await ask(port, legacy(token(), method, params))), -32601)
    const answer = await ask(port, modern(token(), method, params))
    assert.deepEqual([answer.status, errorCode(answer)], [404, -32601], method)
  }
})

test('E2: what says who may use it is reached by them; what says nothing is unknown', async (t) => {
  const { port, token } = await start(t)
  const call = async (name: string, scope: string) => {
    const answer = await ask(port, modern(token({ scope }), 'tools/call', { name, arguments: {} }))
    return 'error' in jsonOf(answer) ? `${answer.status} ${String(errorCode(answer))}` : String(answer.status)
  }
  assert.equal(await call('text', 'notes:read'), '200')
  assert.equal(await call('open', ''), '200')
  assert.equal(await call('unnamed', 'notes:read notes:write'), '200 -32602')
  const denied = await ask(port, modern(token({ scope: '' }), 'tools/call', { name: 'text', arguments: {} }))
  assert.equal(denied.status, 403)
  assert.match(denied.headers['www-authenticate'] ?? '', /scope="notes:read"/)
})

test('G28: a text, structured content alone, and what does not fit the promised schema', async (t) => {
  const { port, token, failures } = await start(t)
  const call = (name: string) => ask(port, legacy(token(), 'tools/call', { name, arguments: {} }))
  assert.deepEqual(resultOf(await call('text')), { content: [{ type: 'text', text: 'A text.' }] })
  assert.deepEqual(resultOf(await call('structured')), {
    content: [{ type: 'text', text: '{"sum":3}' }],
    structuredContent: { sum: 3 },
  })
  assert.equal(errorCode(await call('promise_broken')), -32603)
  assert.match(String(failures[0]?.error), /outputSchema: structuredContent\/sum must be integer/)
  assert.equal(resultOf(await call('failing'))['isError'], true)
})

test('M14, G14: resources are read as text or bytes, with how long they may be kept', async (t) => {
  const { port, token } = await start(t)
  const one = resultOf(await ask(port, read(token(), 'note:///one')))
  assert.deepEqual(one['contents'], [{ uri: 'note:///one', mimeType: 'text/plain', text: 'The first.' }])
  assert.deepEqual([one['ttlMs'], one['cacheScope'], one['resultType']], [0, 'private', 'complete'])
  const shared = resultOf(await ask(port, read(token(), 'note:///shared')))
  assert.deepEqual([shared['ttlMs'], shared['cacheScope']], [60_000, 'public'])
  const blob = resultOf(await ask(port, legacy(token(), 'resources/read', { uri: 'note:///blob' })))
  assert.deepEqual(blob, { contents: [{ uri: 'note:///blob', mimeType: 'image/png', blob: 'AAAA' }] })
  const day = resultOf(await ask(port, read(token(), 'day:///2026/a/b')))
  assert.deepEqual(day['contents'], [{ uri: 'day:///2026/a/b', text: 'day:///2026/a/b is a/b in 2026' }])
})

test('G62, E21: an unknown, hidden, empty and missing resource are all the same, in the code of each era', async (t) => {
  const { port, token } = await start(t)
  const missing = [
    'note:///nothing',
    'note:///staff',
    'note:///gone',
    'note:///empty',
    'day:///2025/x',
    'x:y',
  ]
  for (const uri of missing) {
    const modernAnswer = jsonOf(await ask(port, read(token(), uri)))
    assert.deepEqual(modernAnswer['error'], { code: -32602, message: 'Resource not found', data: { uri } })
    const legacyAnswer = jsonOf(await ask(port, legacy(token(), 'resources/read', { uri })))
    assert.deepEqual(legacyAnswer['error'], { code: -32002, message: 'Resource not found', data: { uri } })
  }
  assert.equal((await ask(port, read(token({ roles: ['staff'] }), 'note:///staff'))).status, 200)
})

test('E1, E12: a resource is judged by its own rule, and a way up is refused before any', async (t) => {
  const { port, token } = await start(t)
  assert.equal((await ask(port, read(token(), 'note:///locked'))).status, 403)
  for (const uri of ['note:///x/../locked', 'note:///%2e%2e/locked', 'day:///2026/../../note']) {
    const answer = await ask(port, read(token(), uri))
    assert.deepEqual([answer.status, errorCode(answer)], [400, -32602], uri)
  }
})

test('what a resource throws stays here', async (t) => {
  const { port, token, failures } = await start(t)
  const answer = await ask(port, read(token(), 'note:///broken'))
  assert.equal(errorCode(answer), -32603)
  assert.doesNotMatch(answer.body, /canary/)
  assert.equal(failures.length, 1)
})

test('E9, E10, E11: lists show what a caller could be let to, in the order of their definition, always the same', async (t) => {
  const { port, token } = await start(t)
  const list = async (method: string, name: string, claims = {}) => {
    const first = resultOf(await ask(port, modern(token(claims), method)))
    assert.deepEqual(resultOf(await ask(port, modern(token(claims), method))), first)
    assert.equal(first['cacheScope'], 'private')
    return items(first, name).map((item) => item['uri'] ?? item['uriTemplate'] ?? item['name'])
  }
  const fixed = resources.map(({ uri }) => uri)
  assert.deepEqual(
    await list('resources/list', 'resources'),
    fixed.filter((uri) => uri !== 'note:///staff'),
  )
  assert.deepEqual(await list('resources/list', 'resources', { roles: ['staff'] }), fixed)
  assert.deepEqual(await list('resources/templates/list', 'resourceTemplates'), ['day:///{year}/{+rest}'])
  assert.deepEqual(await list('prompts/list', 'prompts', { scope: '' }), ['summary', 'plain'])
  assert.deepEqual(
    await list('tools/list', 'tools'),
    tools.slice(0, -1).map(({ name }) => name),
  )
})

test('descriptions carry nothing that is not for clients', async (t) => {
  const { port, token } = await start(t)
  const answers = await Promise.all(
    ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'].map((method) =>
      ask(port, legacy(token(), method)),
    ),
  )
  for (const { body } of answers)
    assert.doesNotMatch(body, /access|ttlSeconds|sameForAll|"complete"|notes:read/)
  const [prompt] = items(resultOf(answers[3] ?? assert.fail()), 'prompts')
  assert.deepEqual(prompt, {
    name: 'summary',
    title: 'Summary',
    description: 'Sums up a note.',
    arguments: [{ name: 'note', description: 'Which one', required: true }, { name: 'length' }],
  })
})

/** All pages of a list. */
async function pages(
  port: number,
  token: string,
  method: string,
  name: string,
): Promise<readonly (readonly Json[])[]> {
  const found: (readonly Json[])[] = []
  let cursor: unknown
  do {
    const result = resultOf(await ask(port, legacy(token, method, cursor === undefined ? {} : { cursor })))
    found.push(items(result, name))
    cursor = result['nextCursor']
    assert.ok(found.length < 50)
  } while (cursor !== undefined)
  return found
}

test('lists come in pages, and templates list what they have after the rest', async (t) => {
  const { port, token } = await start(t, { pageSize: 3 })
  const tool = await pages(port, token(), 'tools/list', 'tools')
  assert.deepEqual(
    tool.map((page) => page.map(({ name }) => name)),
    [
      ['text', 'open', 'structured'],
      ['promise_broken', 'failing'],
    ],
  )
  const resource = await pages(port, token(), 'resources/list', 'resources')
  assert.deepEqual(
    resource.map((page) => page.map(({ uri }) => uri)),
    [
      ['note:///one', 'note:///shared', 'note:///locked'],
      ['note:///gone', 'note:///empty', 'note:///blob'],
      ['note:///broken'],
      ['day:///2026/one'], // The way up, and what no rule names, are taken out.
      ['day:///2026/two'],
    ],
  )
})

test('G27: a cursor is good for its own list and its own caller, as it was given', async (t) => {
  const { port, token } = await start(t, { pageSize: 1 })
  const alice = token()
  const { nextCursor } = resultOf(await ask(port, modern(alice, 'tools/list')))
  assert.ok(typeof nextCursor === 'string')
  const use = (bearer: string, method: string, cursor: unknown) =>
    ask(port, modern(bearer, method, { cursor }))
  assert.equal(items(resultOf(await use(alice, 'tools/list', nextCursor)), 'tools')[0]?.['name'], 'open')
  // The caller is the one that it was, whatever token it has now.
  assert.equal((await use(token({ jti: 'another' }), 'tools/list', nextCursor)).status, 200)
  const last = nextCursor.endsWith('A') ? 'B' : 'A'
  const foreign: readonly (readonly [bearer: string, method: string, cursor: unknown])[] = [
    [token({ sub: 'bob' }), 'tools/list', nextCursor],
    [token({ client_id: 'other' }), 'tools/list', nextCursor],
    [alice, 'prompts/list', nextCursor],
    [alice, 'resources/list', nextCursor],
    [alice, 'tools/list', nextCursor.slice(0, -1) + last],
    [alice, 'tools/list', 'open'],
    [alice, 'tools/list', ''],
    [alice, 'tools/list', 7],
    [alice, 'tools/list', null],
  ]
  for (const [bearer, method, cursor] of foreign) {
    assert.equal(errorCode(await use(bearer, method, cursor)), -32602, `${method} ${String(cursor)}`)
  }
})

test('prompts are filled in, and wrong arguments are refused with what is wrong', async (t) => {
  const { port, token } = await start(t)
  const get = (args: unknown) =>
    ask(port, legacy(token(), 'prompts/get', { name: 'summary', arguments: args }))
  assert.deepEqual(resultOf(await get({ note: 'one' })), {
    messages: [{ role: 'user', content: { type: 'text', text: 'Sum up one, short.' } }],
  })
  for (const [args, problem] of [
    [undefined, /"note" is missing/],
    [{}, /"note" is missing/],
    [{ note: 7 }, /"note" must be a string/],
    [{ note: 'one', other: 'x' }, /no argument "other"/],
    [{ note: 'one', ['__proto__']: 'x' }, /no argument "__proto__"/],
    [[], /must be an object/],
  ] as const) {
    assert.match(String(member(jsonOf(await get(args)), 'error')['message']), problem)
  }
  assert.equal((await ask(port, modern(token(), 'prompts/get', { name: 'plain' }))).status, 403)
  const unknown = await ask(port, modern(token(), 'prompts/get', { name: 'nothing' }))
  assert.equal(errorCode(unknown), -32602)
})

test('G66: completion gives at most 100 values, only to who may use the prompt or template', async (t) => {
  const { port, token } = await start(t)
  const complete = (ref: Json, name: string, value: string, others?: Json, claims = {}) =>
    ask(
      port,
      modern(token(claims), 'completion/complete', {
        ref,
        argument: { name, value },
        ...(others && { context: { arguments: others } }),
      }),
    )
  const prompt = { type: 'ref/prompt', name: 'summary' }
  const many = member(resultOf(await complete(prompt, 'note', 'n')), 'completion')
  assert.deepEqual([(many['values'] as string[]).length, many['total'], many['hasMore']], [100, 150, true])
  assert.deepEqual(member(resultOf(await complete(prompt, 'length', '')), 'completion')['values'], [])
  assert.equal(errorCode(await complete(prompt, 'nothing', '')), -32602)

  const day = { type: 'ref/resource', uri: 'day:///{year}/{+rest}' }
  assert.deepEqual(member(resultOf(await complete(day, 'year', '202')), 'completion')['values'], [
    '2025',
    '2026',
  ])
  const rest = await complete(day, 'rest', 'x', { year: '2026', odd: 7 })
  assert.deepEqual(member(resultOf(rest), 'completion')['values'], ['x-2026', 'locked'])

  assert.equal((await complete(prompt, 'note', '', undefined, { scope: '' })).status, 403)
  assert.equal((await complete(day, 'year', '', undefined, { scope: '' })).status, 403)
  assert.equal((await complete({ type: 'ref/prompt', name: 'plain' }, 'note', '')).status, 403)
  assert.equal(errorCode(await complete({ type: 'ref/prompt', name: 'nothing' }, 'a', '')), -32602)
  for (const argument of [undefined, null, 'note', { name: 'note' }, { name: 7, value: '' }]) {
    const body = { ref: prompt, argument }
    assert.equal(errorCode(await ask(port, modern(token(), 'completion/complete', body))), -32602)
  }
})

test('G66: a value that would name what the caller may not read is not among the completions', async (t) => {
  const server = await startTestServer(t, {
    endpoint: offered,
    resourceServer: {
      rules: [
        { resources: ['day:///2026/locked'], require: { scopes: ['notes:write'] } },
        { resources: ['day:///*'], require: { scopes: ['notes:read'] } },
      ],
    },
  })
  const values = async (scope: string): Promise<unknown> => {
    const answer = await ask(
      server.port,
      modern(server.token({ scope }), 'completion/complete', {
        ref: { type: 'ref/resource', uri: 'day:///{year}/{+rest}' },
        argument: { name: 'rest', value: 'x' },
        context: { arguments: { year: '2026' } },
      }),
    )
    return member(resultOf(answer), 'completion')['values']
  }
  assert.deepEqual(await values('notes:read'), ['x-2026'])
  assert.deepEqual(await values('notes:read notes:write'), ['x-2026', 'locked'])
})

test('a definition that cannot be offered is a mistake at the start, all of them at once', () => {
  const read = (): string => ''
  const build = (options: Partial<EndpointOptions>) => () =>
    createEndpoint({ name: 'notes', version: '1', ...options })
  assert.throws(
    build({
      tools: [{ ...toolOf('a b', () => ''), timeoutSeconds: 0 }],
      resources: [
        { uri: 'no uri', name: 'a', read },
        { uri: 'a:b', name: 'a', read, ttlSeconds: -1 },
        { uri: 'a:b', name: 'b', read },
      ],
      templates: [
        { uriTemplate: 'x:///{a}{b}', name: 'x', read },
        { uriTemplate: 'x:///{a}', name: 'x', read, complete: { b: () => [] } },
      ],
      prompts: [
        { name: 'p', get: read },
        { name: 'p', get: undefined as never },
      ],
      secret: Buffer.alloc(31),
    }),
    (error: Error) => {
      for (const problem of [
        /"a b": a tool's name/,
        /"a b"\.timeoutSeconds: must be 1 to 3600/,
        /resource "no uri": is no absolute URI/,
        /resource "a:b"\.ttlSeconds|resource "a:b".ttlSeconds/,
        /two resources of that address/,
        /template "x:\/\/\/\{a\}\{b\}": needs a literal/,
        /has no variable "b"/,
        /two prompts of that name/,
        /prompt "p"\.get: must be a function/,
        /secret: must have at least 32 bytes/,
      ]) {
        assert.match(error.message, problem)
      }
      return error instanceof TypeError
    },
  )
})

test('G26: a schema that points elsewhere is refused at the start, and nobody is asked for it', () => {
  assert.throws(
    () =>
      createEndpoint({
        name: 'notes',
        version: '1',
        tools: [
          {
            ...toolOf('far', () => ''),
            inputSchema: { type: 'object', properties: { a: { $ref: 'https://schemas.example/a.json' } } },
          },
        ],
      }),
    /can't resolve reference/,
  )
})

test('the arguments of a tool have the type that its schema says', () => {
  const tool = defineTool({
    name: 'typed',
    description: 'Typed.',
    inputSchema: {
      type: 'object',
      properties: {
        text: { type: 'string' },
        count: { type: 'integer' },
        kind: { enum: ['a', 'b'] },
        list: {
          type: 'array',
          items: { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] },
        },
        maybe: { type: ['string', 'null'] },
      },
      required: ['text', 'kind'],
    },
    call: ({ text, count, kind, list, maybe }) => {
      const exact: [string, number | undefined, 'a' | 'b'] = [text, count, kind]
      const flags: readonly boolean[] | undefined = list?.map(({ on }) => on)
      const nullable: string | null | undefined = maybe
      // @ts-expect-error -- a text is no number
      const wrong: number = text
      return JSON.stringify([exact, flags, nullable, wrong])
    },
  })
  assert.equal(tool.name, 'typed')
})

test('what a template lists may be anything; it is an error and no more', async (t) => {
  const lists: readonly unknown[] = [
    null,
    [],
    { resources: 'x' },
    { resources: [null] },
    { resources: [{ uri: 'day:///1', name: 'a', size: 1n }] },
    { resources: [], nextCursor: 7 },
  ]
  for (const listed of lists) {
    const template: ResourceTemplate = {
      uriTemplate: 'day:///{n}',
      name: 'Days',
      access: readable,
      read: () => '',
      list: () => listed as never, // Against its type.
    }
    const { rules } = createEndpoint({ name: 'notes', version: '1', templates: [template] })
    const { port, token, failures } = await startTestServer(t, {
      endpoint: { templates: [template] },
      resourceServer: { rules },
    })
    const answer = await ask(port, legacy(token(), 'resources/list'))
    assert.equal(errorCode(answer), -32603)
    assert.equal(failures.length, 1)
  }
  const once: ResourceTemplate = {
    uriTemplate: 'day:///{n}',
    name: 'Days',
    access: readable,
    read: () => '',
    list: () => ({
      resources: [{ uri: 'day:///1', name: 'a', secret: 'canary' } as never],
      nextCursor: null as never,
    }),
  }
  const { rules } = createEndpoint({ name: 'notes', version: '1', templates: [once] })
  const { port, token } = await startTestServer(t, {
    endpoint: { templates: [once] },
    resourceServer: { rules },
  })
  assert.deepEqual(resultOf(await ask(port, legacy(token(), 'resources/list'))), {
    resources: [{ uri: 'day:///1', name: 'a' }],
  })
})

test('E1, E2, E12: each address is judged by the rule of what is read, however it is written', async (t) => {
  const read = (uri: string, variables: Readonly<Record<string, string>>): string =>
    JSON.stringify([uri, variables])
  const closed: Partial<EndpointOptions> = {
    resources: [
      { uri: 'notes:///internal', name: 'internal', read: () => 'canary' },
      {
        uri: 'notes:///admin',
        name: 'admin',
        access: { anyRole: ['staff'], otherwise: 'hide' },
        read: () => 'canary',
      },
    ],
    templates: [
      { uriTemplate: 'notes:///deep/er/{id}', name: 'closed', read: () => 'canary' },
      { uriTemplate: 'notes:///{id}', name: 'one', access: readable, read },
      { uriTemplate: 'notes:///{dir}/{id}', name: 'two', access: { scopes: ['notes:write'] }, read },
      { uriTemplate: 'file:///{+path}', name: 'files', access: { scopes: ['notes:write'] }, read },
    ],
  }
  const { rules } = createEndpoint({ name: 'notes', version: '1', ...closed })
  const { port, token, endpoint } = await startTestServer(t, {
    endpoint: { ...closed, resourcesChange: true },
    resourceServer: { rules: [{ resources: ['file:///public/*'], require: readable }, ...rules] },
  })
  assert.ok(endpoint.rules.length > 0)
  const status = async (uri: string): Promise<string> => {
    const answer = await ask(port, legacy(token(), 'resources/read', { uri }))
    assert.doesNotMatch(answer.body, /canary/)
    return answer.status === 403 ? '403' : 'error' in jsonOf(answer) ? String(errorCode(answer)) : 'read'
  }
  for (const [uri, expected] of [
    ['notes:///a', 'read'],
    ['notes:///internal', '-32002'],
    ['notes:///admin', '-32002'],
    ['notes:///%61dmin', '-32602'],
    ['notes:///deep/er/x', '-32002'],
    ['notes:///secret/plan', '403'],
    ['notes:///s%65cret/plan', '-32602'],
    ['notes:///secret%2F/plan', '-32002'],
    ['notes:///secret%5C/plan', '-32002'],
    ['file:///private/a', '403'],
    ['file:///public/a', 'read'],
    ['file:///public/x?/../../private/a', '-32002'],
    ['file:///public/x#/../../private/a', '-32002'],
  ] as const) {
    assert.equal(await status(uri), expected, uri)
  }
  const listed = resultOf(await ask(port, legacy(token(), 'resources/list')))
  assert.deepEqual(items(listed, 'resources'), [])
  const patterns = resultOf(await ask(port, legacy(token(), 'resources/templates/list')))
  assert.deepEqual(
    items(patterns, 'resourceTemplates').map(({ name }) => name),
    ['one', 'two', 'files'],
  )
})

test('a call may take its context apart', async (t) => {
  const apart = toolOf('apart', (_: never, { progress, log, keep, detach, signal, client, caller }) => {
    progress({ progress: 1 })
    log('info', 'x')
    detach()
    return JSON.stringify([keep('a', () => 1), signal.aborted, client.capabilities, caller?.subject])
  })
  const { port, token } = await startTestServer(t, { tools: [apart] })
  const { content } = resultOf(
    await ask(port, legacy(token(), 'tools/call', { name: 'apart', arguments: {} })),
  )
  assert.deepEqual(content, [{ type: 'text', text: '[1,false,{},"alice"]' }])
})

test('what a function has to say to its caller is told: as a result of a tool, as an error of the others', async (t) => {
  const tell = (): never => {
    throw new CallerError('Ask again tomorrow.')
  }
  const { port, token, failures } = await startTestServer(t, {
    tools: [toolOf('tells', tell), toolOf('tells_later', () => Promise.reject(new CallerError('Later.')))],
    endpoint: {
      resources: [{ uri: 'note:///x', name: 'x', read: tell }],
      prompts: [{ name: 'p', get: tell }],
    },
    resourceServer: { rules: [{ tools: ['*'], resources: ['*'], prompts: ['*'] }] },
  })
  for (const [name, text] of [
    ['tells', 'Ask again tomorrow.'],
    ['tells_later', 'Later.'],
  ]) {
    const result = resultOf(await ask(port, legacy(token(), 'tools/call', { name, arguments: {} })))
    assert.deepEqual(result, { content: [{ type: 'text', text }], isError: true })
  }
  for (const [method, params] of [
    ['resources/read', { uri: 'note:///x' }],
    ['prompts/get', { name: 'p' }],
  ] as const) {
    const error = member(jsonOf(await ask(port, legacy(token(), method, params))), 'error')
    assert.deepEqual(error, { code: -32603, message: 'Ask again tomorrow.' })
  }
  assert.deepEqual(failures, [])
})

test('a function may ask whether its caller may use something else', async (t) => {
  const asking = toolOf('asking', (_: never, { mayUse }) =>
    JSON.stringify(
      ['echo', 'write_note', 'staff_only', 'nothing'].map((name) => mayUse({ kind: 'tool', name })),
    ),
  )
  const { port, token } = await startTestServer(t, { tools: [asking] })
  const { content } = resultOf(
    await ask(port, legacy(token(), 'tools/call', { name: 'asking', arguments: {} })),
  )
  assert.deepEqual(content, [{ type: 'text', text: '[true,false,false,false]' }])
})

test('E11: a list that templates make is private and not kept, whatever is said of the others', async (t) => {
  const { port, token } = await start(t, { sameListForAll: true, pageSize: 3 })
  const cacheOf = async (method: string, params: Json = {}): Promise<Json> =>
    resultOf(await ask(port, modern(token(), method, params)))
  const tool = await cacheOf('tools/list')
  assert.deepEqual([tool['ttlMs'], tool['cacheScope']], [300_000, 'public'])
  let cursor: unknown
  do {
    const page = await cacheOf('resources/list', cursor === undefined ? {} : { cursor })
    assert.deepEqual([page['ttlMs'], page['cacheScope']], [0, 'private'])
    cursor = page['nextCursor']
  } while (cursor !== undefined)
})
