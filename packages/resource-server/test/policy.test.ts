import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConditionContext, Rule } from '@mcp-doorman/resource-server'
import { parseChallenge } from './challenge-parser.ts'
import { callOf, startGuarded, type Guarded } from './guarded.ts'

const rules: readonly Rule[] = [
  { id: 'exact', tools: ['read_file'], require: { scopes: ['files:read'] } },
  { id: 'glob', tools: ['read_*', 'list_*'], require: { scopes: ['files:list'] } },
  { id: 'later', tools: ['read_dir', 'write_file'], require: { scopes: ['files:read', 'files:write'] } },
  { id: 'role', tools: ['staff_*'], require: { scopes: ['files:write'], anyRole: ['staff', 'owner'] } },
  { id: 'group', tools: ['group'], require: { anyGroup: ['acme/a'] } },
  { id: 'client', tools: ['client'], require: { anyClient: ['ops-console'] } },
  {
    id: 'all',
    tools: ['all'],
    require: { anyRole: ['staff'], anyGroup: ['acme/a'], anyClient: ['test-client'] },
  },
  { id: 'secret', tools: ['secret'], require: { anyRole: ['staff'] }, otherwise: 'hide' },
  { id: 'secret-scope', tools: ['secret_scope'], require: { scopes: ['files:write'] }, otherwise: 'hide' },
  { id: 'any', tools: ['any'], require: { scopes: ['files:list'], anyScope: ['files:write', 'files:read'] } },
  { id: 'open', tools: ['open'] },
  { id: 'page', resources: ['note://public/*', 'note://one'] },
  { id: 'locked', resources: ['note://locked'], require: { scopes: ['files:write'] } },
  { id: 'prompt', prompts: ['read_file'], require: { scopes: ['files:write'] } },
  { id: 'small', tools: ['small'], when: ({ arguments: args }) => args['size'] === 1 },
]
const scopes = { 'files:list': {}, 'files:read': {}, 'files:write': {} }
const world = await startGuarded({ options: { rules, scopes } })

type Claims = Readonly<Record<string, unknown>>
const granted = (...names: readonly string[]): Claims => ({ scope: names.join(' ') })

const rows: readonly (readonly [name: string, tool: string, claims: Claims, expected: string])[] = [
  ['E1: the scope', 'read_file', granted('files:read'), 'allow exact'],
  ['E1: another scope', 'read_file', granted('files:list'), 'scope_missing exact'],
  ['E1: no scope', 'read_file', granted(), 'scope_missing exact'],
  ['an exact name of an earlier rule beats a glob', 'read_file', granted('files:read'), 'allow exact'],
  ['a glob of an earlier rule beats an exact name', 'read_dir', granted('files:list'), 'allow glob'],
  [
    'the first rule is the only one judged',
    'read_dir',
    granted('files:read', 'files:write'),
    'scope_missing glob',
  ],
  ['the second glob of a rule', 'list_all', granted('files:list'), 'allow glob'],
  [
    'E2: a tool that no rule names',
    'delete_file',
    granted('files:list', 'files:read', 'files:write'),
    'item_hidden',
  ],
  ['E2: a tool named like a method of objects', 'constructor', granted('files:list'), 'item_hidden'],
  ['E2: a tool with an empty name', '', granted('files:list'), 'item_hidden'],
  ['the name in capitals', 'READ_FILE', granted('files:read'), 'item_hidden'],
  ['one scope of two', 'write_file', granted('files:write'), 'scope_missing later'],
  ['a role and the scope', 'staff_x', { ...granted('files:write'), roles: ['staff'] }, 'allow role'],
  ['another role of the list', 'staff_x', { ...granted('files:write'), roles: ['owner'] }, 'allow role'],
  ['a role without the scope', 'staff_x', { ...granted(), roles: ['staff'] }, 'scope_missing role'],
  ['requirements come before scopes: no role, no scope', 'staff_x', granted(), 'rule_refused role'],
  ['the scope without a role', 'staff_x', granted('files:write'), 'rule_refused role'],
  ['a role in another case', 'staff_x', { ...granted('files:write'), roles: ['Staff'] }, 'rule_refused role'],
  [
    'roles that are one string',
    'staff_x',
    { ...granted('files:write'), roles: 'staff' },
    'rule_refused role',
  ],
  ['a group', 'group', { groups: ['acme/a'] }, 'allow group'],
  ['a group that goes on', 'group', { groups: ['acme/a/b'] }, 'rule_refused group'],
  ['a role of the group’s name', 'group', { roles: ['acme/a'] }, 'rule_refused group'],
  ['E20: a client that the rule names', 'client', { client_id: 'ops-console' }, 'allow client'],
  ['E20: another client', 'client', {}, 'rule_refused client'],
  [
    'E20: another client that holds every scope',
    'client',
    granted('files:list', 'files:read', 'files:write'),
    'rule_refused client',
  ],
  ['a client that is part of the name', 'client', { client_id: 'ops' }, 'rule_refused client'],
  ['all of three lists', 'all', { roles: ['staff'], groups: ['acme/a'] }, 'allow all'],
  ['two of three lists', 'all', { roles: ['staff'] }, 'rule_refused all'],
  ['E21: hidden from who lacks the role', 'secret', {}, 'item_hidden secret'],
  ['E21: not hidden from who has it', 'secret', { roles: ['staff'] }, 'allow secret'],
  ['E9: hiding is never for a scope', 'secret_scope', granted(), 'scope_missing secret-scope'],
  ['E8: the first alternative', 'any', granted('files:list', 'files:write'), 'allow any'],
  ['E8: the other alternative', 'any', granted('files:list', 'files:read'), 'allow any'],
  ['E8: no alternative', 'any', granted('files:list'), 'scope_missing any'],
  ['E8: an alternative without the rest', 'any', granted('files:read'), 'scope_missing any'],
  ['a rule without requirements', 'open', granted(), 'allow open'],
  ['E19: a condition that does not hold', 'small', granted(), 'rule_refused small'],
]

async function decided({ ask, records }: Guarded, change: Parameters<Guarded['ask']>[0]): Promise<string> {
  const decision = await ask(change)
  const record = records().find(({ id }) => id === decision.id)
  const code = decision.granted ? 'allow' : decision.denial.code
  return record?.['rule'] === undefined ? code : `${code} ${JSON.stringify(record['rule']).slice(1, -1)}`
}

for (const [name, tool, claims, expected] of rows) {
  test(`${name} → ${expected}`, async () => {
    const token = world.issuer.sign({ claims })
    assert.equal(await decided(world, { token, body: callOf(tool) }), expected)
  })
}

const listen = (...uris: string[]): Claims => ({ notifications: { resourceSubscriptions: uris } })
const otherItems: readonly (readonly [method: string, params: Claims, expected: string])[] = [
  ['resources/read', { uri: 'note://one' }, 'allow page'],
  ['resources/read', { uri: 'note://public/a' }, 'allow page'],
  ['resources/read', { uri: 'note://private/a' }, 'item_hidden'],
  ['resources/subscribe', { uri: 'note://private/a' }, 'item_hidden'],
  ['prompts/get', { name: 'read_file' }, 'scope_missing prompt'],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'read_file' } }, 'scope_missing prompt'],
  ['completion/complete', { ref: { type: 'ref/resource', uri: 'note://private/{id}' } }, 'item_hidden'],
  ['prompts/get', { name: 'open' }, 'item_hidden'],
  ['subscriptions/listen', { notifications: {} }, 'allow'],
  ['subscriptions/listen', listen('note://one', 'note://public/a'), 'allow'],
  ['subscriptions/listen', listen('note://private/a'), 'allow'],
  ['subscriptions/listen', listen('note://one', 'note://locked'), 'scope_missing locked'],
  ['subscriptions/listen', listen('note://private/a', 'note://locked'), 'scope_missing locked'],
  ['tools/list', {}, 'allow'],
  ['server/discover', {}, 'allow'],
  ['initialize', {}, 'allow'],
]
for (const [method, params, expected] of otherItems) {
  test(`E12: ${method} of ${JSON.stringify(params)} → ${expected}`, async () => {
    const body = { jsonrpc: '2.0', id: 1, method, params }
    assert.equal(await decided(world, { token: world.issuer.sign(), body }), expected)
  })
}

test('E12, E13: what a caller may be told of unasked is what it could read', async () => {
  const decision = await world.ask({ token: world.issuer.sign(), body: callOf('open') })
  assert.ok(decision.granted)
  const { identity } = decision
  const told = (kind: 'resource' | 'tool', name: string): boolean =>
    world.server.allows(identity, { kind, name })
  assert.deepEqual(
    ['note://one', 'note://public/a', 'note://private/a', 'note://locked'].map((uri) =>
      told('resource', uri),
    ),
    [true, true, false, false],
  )
  assert.deepEqual(
    ['read_file', 'write_file', 'small', 'secret'].map((name) => told('tool', name)),
    [true, false, false, false],
  )
})

test('E12: a template names what fits it, a hidden rule hides also what a later one names', async () => {
  const templates = await startGuarded({
    options: {
      scopes,
      rules: [
        { id: 'exact', resources: ['note:///own'] },
        { id: 'hidden', resources: ['note:///internal', 'note:///deep/er/{id}'], hidden: true },
        { id: 'one', resources: ['note:///{id}'] },
        { id: 'two', resources: ['note:///{dir}/{id}'], require: { scopes: ['files:write'] } },
        { id: 'rest', resources: ['note:///{+path}'], require: { scopes: ['files:read'] } },
      ],
    },
  })
  const outcome = (uri: string): Promise<string> =>
    decided(templates, {
      token: templates.issuer.sign({ claims: granted('files:list') }),
      body: { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri } },
    })
  for (const [uri, expected] of [
    ['note:///own', 'allow exact'],
    ['note:///a', 'allow one'],
    ['note:///internal', 'item_hidden'],
    ['note:///secret/plan', 'scope_missing two'],
    ['note:///deep/er/x', 'item_hidden'],
    ['note:///deep/er', 'scope_missing two'],
    ['note:///a/b/c', 'scope_missing rest'],
    ['note:///{id}', 'allow one'],
    ['note:///{dir}/{id}', 'scope_missing two'],
    ['note:///s%65cret/plan', 'params_invalid'],
    ['note:///secret%2F/plan', 'item_hidden'],
    // Written otherwise, what an earlier template names is no later rule's.
    ['note:///a@b', 'item_hidden'],
    ['note:///a%40b', 'allow one'],
    ['NOTE:///own', 'params_invalid'],
  ] as const) {
    assert.equal(await outcome(uri), expected, uri)
  }
})

test('a refusal is a JSON-RPC error 403 inside HTTP 200, since a 403 would start a login that cannot help', async () => {
  const { status, headers, body } = world.answer(
    await world.ask({ token: world.issuer.sign(), body: callOf('staff_x', 9) }),
  )
  assert.equal(status, 200)
  assert.equal(headers['www-authenticate'], undefined)
  const message = 'You may not do this, and no further scope would change that.'
  assert.deepEqual(JSON.parse(body), { jsonrpc: '2.0', id: 9, error: { code: 403, message } })
})

test('E21: a hidden tool, and one that does not exist, get one answer but for their names', async () => {
  const answerFor = async (tool: string): Promise<string> => {
    const { status, headers, body } = world.answer(
      await world.ask({ token: world.issuer.sign(), body: callOf(tool) }),
    )
    const { 'doorman-decision': _, ...rest } = headers
    return JSON.stringify([status, rest, body.replace(tool, '')])
  }
  assert.equal(await answerFor('secret'), await answerFor('not_there'))
  assert.match(await answerFor('secret'), /-32602/)
})

test('E9: a list shows all that a call would not hide, and nothing that it would', async () => {
  const shown = async (claims: Claims): Promise<string> => {
    const decision = await world.ask({ token: world.issuer.sign({ claims }), body: callOf('open') })
    assert.ok(decision.granted)
    const { identity } = decision
    return ['read_file', 'staff_x', 'secret', 'secret_scope', 'small', 'nowhere']
      .filter((name) => world.server.shows(identity, { kind: 'tool', name }))
      .join(' ')
  }
  assert.equal(await shown(granted()), 'read_file staff_x secret_scope small')
  assert.equal(await shown({ roles: ['staff'] }), 'read_file staff_x secret secret_scope small')
})

const conditions: readonly (readonly [
  name: string,
  when: (context: ConditionContext) => unknown,
  expected: string,
])[] = [
  ['returns true', () => true, 'allow'],
  ['returns false', () => false, 'rule_refused'],
  ['returns 1', () => 1, 'rule_refused'],
  ['returns "true"', () => 'true', 'rule_refused'],
  ['returns an object', () => ({}), 'rule_refused'],
  ['returns an error', () => new Error('no'), 'rule_refused'],
  ['returns a promise of true', () => Promise.resolve(true), 'rule_refused'],
  ['returns nothing', () => undefined, 'rule_refused'],
  [
    'throws',
    () => {
      throw new Error('no')
    },
    'rule_refused',
  ],
  ['looks at arguments that are there', ({ arguments: args }) => args['path'] === 'a', 'allow'],
  [
    'looks into arguments that are not',
    ({ arguments: args }) => (args['x'] as { y: boolean }).y,
    'rule_refused',
  ],
  ['looks at the identity', ({ identity }) => identity.subject === 'alice', 'allow'],
  ['looks at the method', ({ message }) => message.method === 'tools/call', 'allow'],
]
for (const [name, when, expected] of conditions) {
  test(`a condition that ${name} → ${expected}`, async () => {
    // What plain JavaScript could pass.
    const own = await startGuarded({
      options: { rules: [{ tools: ['a'], when: when as Rule['when'] & object }] },
    })
    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'a', arguments: { path: 'a' } },
    }
    assert.equal(await own.outcome({ token: own.issuer.sign(), body }), expected)
  })
}

test('a condition of a hidden rule hides the call, and not its place in the list', async () => {
  const own = await startGuarded({
    options: { rules: [{ tools: ['a'], when: () => false, otherwise: 'hide' }] },
  })
  const token = own.issuer.sign()
  assert.equal(await own.outcome({ token, body: callOf('a') }), 'item_hidden')
  const decision = await own.ask({ token, body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } })
  assert.ok(decision.granted && own.server.shows(decision.identity, { kind: 'tool', name: 'a' }))
})

test('E6: a scope that implies others passes for them, and the challenge stays as narrow', async () => {
  const own = await startGuarded({
    options: {
      scopes: {
        ...scopes,
        'files:admin': { implies: ['files:write', 'files:read'] },
        'files:owner': { implies: ['files:admin'] },
      },
      rules: [{ tools: ['a'], require: { scopes: ['files:read', 'files:write'] } }],
      challengeScopes: [],
    },
  })
  const ask = (scope: string): ReturnType<Guarded['ask']> =>
    own.ask({ token: own.issuer.sign({ claims: { scope } }), body: callOf('a') })
  assert.ok((await ask('files:owner')).granted)
  assert.ok((await ask('files:admin')).granted)
  const { headers } = own.answer(await ask('files:read'))
  assert.equal(
    parseChallenge(headers['www-authenticate'] ?? '').parameters.get('scope'),
    'files:read files:write',
  )
})

test('E14, E15: one message of a batch that lacks scopes denies the whole, with all scopes in one challenge', async () => {
  const token = world.issuer.sign({ claims: granted('files:list') })
  const batch = [callOf('open'), callOf('read_file'), callOf('write_file'), callOf('delete_file')]
  const decision = await world.ask({ token, body: batch })
  assert.ok(!decision.granted && decision.denial.code === 'scope_missing')
  const { status, headers } = world.answer(decision)
  assert.equal(status, 403)
  assert.equal(
    parseChallenge(headers['www-authenticate'] ?? '').parameters.get('scope'),
    'files:read files:write',
  )
})

test('E5, E15: the challenge of a batch also names what its other messages need and the token has', async () => {
  const batch = [callOf('write_file'), callOf('read_file')]
  for (const held of ['files:write', 'files:read']) {
    const decision = await world.ask({ token: world.issuer.sign({ claims: granted(held) }), body: batch })
    assert.ok(!decision.granted)
    const { parameters } = parseChallenge(world.answer(decision).headers['www-authenticate'] ?? '')
    assert.deepEqual(parameters.get('scope')?.split(' ').toSorted(), ['files:read', 'files:write'])
  }
})

test('E15: in a batch that may run, refused and hidden messages have an error in their place', async () => {
  const token = world.issuer.sign({ claims: granted('files:read') })
  const decision = await world.ask({
    token,
    body: [callOf('read_file'), callOf('staff_x'), callOf('secret'), callOf('none')],
  })
  assert.ok(decision.granted)
  assert.deepEqual(
    decision.inPlace.map((error) => error?.code),
    [undefined, 403, -32602, -32602],
  )
})

test('E12: a call that wants no answer is judged too', async () => {
  const token = world.issuer.sign({ claims: granted('files:read') })
  const silent = (tool: string): object => ({ ...callOf(tool), id: undefined })
  assert.equal(await world.outcome({ token, body: silent('read_file') }), 'allow')
  const decision = await world.ask({ token, body: silent('write_file') })
  assert.ok(!decision.granted && decision.denial.code === 'scope_missing')
  const { status, body } = world.answer(decision)
  assert.deepEqual([status, body], [403, ''])
  for (const tool of ['secret', 'no_such_tool', 'staff_x']) {
    const hidden = world.answer(await world.ask({ token, body: silent(tool) }))
    assert.deepEqual([hidden.status, hidden.body], [202, ''], tool)
  }
})

test('rules that are changed after the start change nothing', async () => {
  const own = [{ tools: ['a'], require: { scopes: ['files:write'] } }]
  const other = await startGuarded({ options: { rules: own, scopes } })
  own[0]?.require.scopes.splice(0)
  own[0]?.tools.push('b')
  assert.equal(await other.outcome({ token: other.issuer.sign(), body: callOf('a') }), 'scope_missing')
  assert.equal(await other.outcome({ token: other.issuer.sign(), body: callOf('b') }), 'item_hidden')
})
