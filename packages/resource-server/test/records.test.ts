import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { denials } from '@mcp-doorman/resource-server'
import { callOf, startGuarded, startTime } from './guarded.ts'
import { rounds } from '../../../test/rounds.ts'

const world = await startGuarded()
const { issuer } = world
const time = new Date(startTime * 1000).toISOString()

/** The records of one request, the id of its decision replaced. */
async function recordsOf(change: Parameters<typeof world.ask>[0]): Promise<readonly unknown[]> {
  const before = world.sink.lines.length
  const { id } = await world.ask(change)
  return world
    .records()
    .slice(before)
    .map((record) => ({ ...record, id: record['id'] === id ? 'its id' : record['id'] }))
}

const caller = { issuer: issuer.issuer, subject: 'alice', client: 'test-client', token: 'token-1' }
const signed = (scope: string): string => issuer.sign({ claims: { jti: 'token-1', scope } })

test('K1: the record of an allowed call says who, what, by which rule, and nothing else', async () => {
  const change = { token: signed('files:read x'), body: callOf('read_file'), address: '192.0.2.7' }
  assert.deepEqual(await recordsOf(change), [
    {
      kind: 'decision',
      time,
      id: 'its id',
      outcome: 'allow',
      ...caller,
      granted: ['files:read', 'x'],
      era: 'legacy',
      method: 'tools/call',
      item: 'tool',
      name: 'read_file',
      rule: 'read',
      required: ['files:read'],
      address: '192.0.2.7',
    },
  ])
})

test('K1, E18: the record of a challenge says what was required, held and missing', async () => {
  assert.deepEqual(await recordsOf({ token: signed('files:read'), body: callOf('write_file') }), [
    {
      kind: 'decision',
      time,
      id: 'its id',
      outcome: 'challenge',
      code: 'scope_missing',
      status: 403,
      ...caller,
      granted: ['files:read'],
      era: 'legacy',
      method: 'tools/call',
      item: 'tool',
      name: 'write_file',
      rule: 'write',
      required: ['files:read', 'files:write'],
      missing: ['files:write'],
    },
  ])
})

test('K1: the record of a bad token says why, and names nobody, since nobody was proven', async () => {
  assert.deepEqual(await recordsOf({ token: issuer.sign({ claims: { aud: ['https://else.example'] } }) }), [
    {
      kind: 'decision',
      time,
      id: 'its id',
      outcome: 'deny',
      code: 'audience_mismatch',
      status: 401,
      detail: '"aud" is ["https://else.example"]',
    },
  ])
})

test('K1: refused and hidden calls are recorded as such, with what was unmet', async () => {
  const [refused] = await recordsOf({ token: signed('files:read'), body: callOf('audit_files') })
  const [hidden] = await recordsOf({ token: signed('files:read'), body: callOf('secret_files') })
  const [unknown] = await recordsOf({ token: signed('files:read'), body: callOf('nothing') })
  const facts = (record: unknown): unknown => {
    const { outcome, rule, unmet } = record as Record<string, unknown> // A record is an object.
    return [outcome, rule, unmet]
  }
  assert.deepEqual(facts(refused), ['refuse', 'staff', 'anyRole'])
  assert.deepEqual(facts(hidden), ['hide', 'secret', 'anyRole'])
  assert.deepEqual(facts(unknown), ['hide', undefined, 'no rule names it'])
})

test('E17: a batch is one record, with each of its messages', async () => {
  const body = [callOf('read_file'), callOf('secret_files'), { jsonrpc: '2.0', id: 3, result: {} }]
  const [record] = await recordsOf({ token: signed('files:read'), body })
  assert.deepEqual((record as Record<string, unknown>)['batch'], [
    {
      method: 'tools/call',
      item: 'tool',
      name: 'read_file',
      rule: 'read',
      required: ['files:read'],
      outcome: 'allow',
    },
    {
      method: 'tools/call',
      item: 'tool',
      name: 'secret_files',
      rule: 'secret',
      unmet: 'anyRole',
      outcome: 'hide',
    },
    { method: '(response)', outcome: 'allow' },
  ])
})

test('K1: an outcome record cites its decision', async () => {
  const decision = await world.ask({ token: signed('files:read') })
  assert.ok(decision.granted)
  world.server.recordOutcome(decision, { status: 200, result: 'tool_error', durationMilliseconds: 1.23456 })
  assert.deepEqual(world.records().at(-1), {
    kind: 'outcome',
    time,
    decision: decision.id,
    status: 200,
    result: 'tool_error',
    milliseconds: 1.235,
  })
})

test('K1: a resource is recorded by its kind, since its address may say what is in it', async () => {
  const body = { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'note://canary' } }
  const [record] = await recordsOf({ token: signed(''), body })
  assert.ok(!JSON.stringify(record).includes('canary'))
})

test('a token without jti is named by the beginning of its hash', async () => {
  const own = await startGuarded({
    optionsOf: (made) => ({ issuers: [{ casdoor: made.issuer, allowedClients: 'any' }] }),
  })
  const claims = { jti: undefined, azp: 'a', tokenType: 'access-token' }
  const token = own.issuer.sign({ claims, header: { typ: 'JWT' } })
  assert.equal(await own.outcome({ token }), 'allow')
  assert.match(String(own.records().at(-1)?.['token']), /^[\w-]{16}$/)
})

test('every decision has an id of its own', async () => {
  const decisions = await Promise.all(Array.from({ length: 500 }, () => world.ask({})))
  assert.equal(new Set(decisions.map(({ id }) => id)).size, 500)
})

test('K2, K3, K5: no token, argument or body text is in any record or answer, wherever it was put', async () => {
  const token = issuer.sign({ claims: { note: 'canary-claim' } })
  const canary = token.split('.').at(-1) ?? ''
  const before = world.sink.lines.length
  const args = { path: `canary-path ${token}`, [token]: token }
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', [token]: token }
  const wrong = `${token.slice(0, -8)}AAAAAAAA`
  const places: readonly Parameters<typeof world.ask>[0][] = [
    { token },
    { token: wrong },
    { token: `${token}${token}` },
    { target: `/mcp?access_token=${token}` },
    { token, target: `/mcp?access_token=${token}` },
    { headers: ['Authorization', `Basic ${token}`] },
    { headers: ['Authorization', `Bearer ${token} ${token}`] },
    { headers: ['Authorization', token] },
    { token, headers: ['Mcp-Name', token, 'Mcp-Method', token, 'MCP-Protocol-Version', token] },
    { token, headers: ['Cookie', `session=${token}`, 'DPoP', token] },
    { token, headers: ['Content-Type', token] },
    { token, method: token },
    { token, body: token },
    { token, body: JSON.stringify(token) },
    { token, body: { ...callOf('read_file'), method: token } },
    { token, body: { ...callOf('read_file'), method: token.slice(-100) } },
    {
      token,
      body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read_file', arguments: args } },
    },
    {
      token,
      body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read_file', _meta: meta } },
    },
    { token, body: callOf(token) },
    { token, body: { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: token } } },
  ]
  const answers: string[] = []
  for (const [place, change] of places.entries()) {
    const decision = await world.ask(change)
    if (decision.granted)
      world.server.recordOutcome(decision, { status: 200, result: 'ok', durationMilliseconds: 1 })
    else if (place < places.length - 3) answers.push(JSON.stringify(world.answer(decision)))
  }
  const written = [...world.sink.lines.slice(before), ...answers].join('\n')
  for (const secret of [canary, 'canary-claim', 'canary-path', issuer.sign().split('.')[1] ?? '']) {
    assert.ok(!written.includes(secret), `${secret} stands in ${written}`)
  }
})

test('K4: control characters and line ends of names stay one harmless line', async () => {
  const nasty = 'a\r\nb\u001b[31m\u2028\u2029\u202e\u200f\u2066\u007f\u009b\0"\\'
  const own = await startGuarded({ options: { rules: [{ tools: ['*'] }] } })
  const token = own.issuer.sign({ claims: { sub: nasty, client_id: nasty, jti: nasty } })
  const bodies = [callOf(nasty), { ...callOf('a'), method: nasty }, [callOf(nasty)]]
  for (const body of bodies) await own.ask({ token, body, address: nasty })
  await own.ask({ token, method: nasty })
  assert.equal(own.sink.lines.length, 4)
  for (const line of own.sink.lines) assert.match(line, /^[\x20-\x7e]*$/)
  assert.equal(own.records()[0]?.['name'], nasty)
  assert.equal(own.records()[0]?.['subject'], nasty)
})

test('K4: whatever is in a request, each record is one line of JSON without controls', async () => {
  const wild = fc.string({ unit: 'binary', maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(wild, wild, wild, async (tool, method, address) => {
      const before = world.sink.lines.length
      await world.ask({ token: signed('files:read'), body: callOf(tool), address })
      await world.ask({ token: signed('files:read'), body: { ...callOf(tool), method }, address })
      for (const line of world.sink.lines.slice(before)) {
        // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
        assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/)
        assert.equal(typeof JSON.parse(line), 'object')
      }
    }),
    rounds(200),
  )
})

test('one decision, one record, whatever happens', async () => {
  const own = await startGuarded({ options: { callerLimit: { count: 20, perSeconds: 3600 } } })
  const good = own.issuer.sign()
  const change = fc.record(
    {
      token: fc.oneof(fc.constant(good), fc.constant(undefined), fc.string()),
      method: fc.constantFrom('POST', 'GET', ''),
      form: fc.constantFrom('mcp', 'mcp-stream', 'mcp-end', 'plain-list', 'plain-call'),
      target: fc.string(),
      body: fc.oneof(
        fc.constantFrom(callOf('read_file'), [callOf('purge'), callOf('secret_files')]),
        fc.json(),
      ),
      headers: fc
        .array(fc.tuple(fc.constantFrom('Authorization', 'Content-Type', 'Mcp-Method'), fc.string()))
        .map((fields) => fields.flat()),
      readBody: fc.constantFrom(
        undefined,
        () => Promise.resolve('body_too_large' as const),
        () => Promise.resolve('body_incomplete' as const),
        () => Promise.reject(new Error('the socket is gone')),
        () => {
          throw new Error('at once')
        },
      ),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(change, async ({ readBody, ...rest }) => {
      const before = own.sink.lines.length
      const decision = await own.ask({ ...rest, ...(readBody !== undefined && { readBody }) })
      const records = own.records().slice(before)
      assert.deepEqual(
        records.map(({ kind, id }) => [kind, id]),
        [['decision', decision.id]],
      )
      const [record] = records
      assert.equal(record?.['outcome'] === 'allow', decision.granted)
      if (decision.granted) return
      const { code } = decision.denial
      assert.deepEqual([record?.['code'], record?.['status']], [code, denials[code].status])
    }),
    rounds(400),
  )
})

test('B20: an error on the way is a 503 and never an allowance, and says its kind only', async () => {
  const secret = 'canary-in-an-error'
  const readBody = (): never => {
    throw new TypeError(secret)
  }
  const decision = await world.ask({ token: signed('files:read'), readBody })
  assert.ok(!decision.granted && decision.denial.code === 'decision_failed')
  const { status, headers } = world.answer(decision)
  assert.deepEqual([status, headers['retry-after'], headers['www-authenticate']], [503, '1', undefined])
  assert.equal(world.records().at(-1)?.['detail'], 'TypeError')
  assert.ok(!world.sink.lines.join('').includes(secret))
})

test('the body is read for a proven caller only, and once', async () => {
  let reads = 0
  const readBody = (): Promise<Buffer> => {
    reads += 1
    return Promise.resolve(Buffer.from('{}'))
  }
  for (const change of [{}, { token: 'x' }, { token: issuer.sign({ claims: { exp: 1 } }) }])
    await world.ask({ ...change, readBody })
  await world.ask({ token: signed(''), method: 'GET', readBody })
  await world.ask({ token: signed(''), headers: ['Content-Type', 'text/plain'], readBody })
  assert.equal(reads, 0)
  await world.ask({ token: signed(''), readBody })
  assert.equal(reads, 1)
})

test('K6: while records cannot be kept nothing is allowed, and afterwards it is again', async () => {
  const token = signed('files:read')
  world.sink.failing = true
  assert.equal(await world.outcome({ token }), 'audit_unavailable')
  const { status, headers } = world.answer(await world.ask({ token }))
  assert.deepEqual([status, headers['retry-after']], [503, '5'])
  world.sink.failing = false
  assert.equal(await world.outcome({ token }), 'allow')
})

test('K6: a sink that throws denies what it could not record', async () => {
  const own = await startGuarded({
    options: {
      audit: {
        write: () => {
          throw new Error('no')
        },
        available: () => true,
        close: () => Promise.resolve(),
      },
    },
  })
  const decision = await own.ask({ token: own.issuer.sign() })
  assert.ok(!decision.granted && decision.denial.code === 'audit_unavailable')
})
