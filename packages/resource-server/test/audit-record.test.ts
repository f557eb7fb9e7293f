import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditRecord, DecisionRecord, JudgedMessage, OutcomeRecord } from '@mcp-doorman/resource-server'
import { createCallbackSink } from '@mcp-doorman/resource-server/audit-log'
import { callOf, startGuarded, type RequestChange } from './guarded.ts'

type Kinds<T> = Readonly<Record<keyof T, (value: unknown) => boolean>>

const text = (value: unknown): boolean => typeof value === 'string' && value !== ''
const number = (value: unknown): boolean => typeof value === 'number' && value >= 0
const texts = (value: unknown): boolean => Array.isArray(value) && value.every(text)
const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value)

// The types of these tables say that no member is missing from them.
const messageKinds: Kinds<JudgedMessage> = {
  method: text,
  item: oneOf('tool', 'resource', 'prompt'),
  name: text,
  uri: text,
  rule: text,
  required: texts,
  missing: texts,
  unmet: text,
}
const decisionKinds: Kinds<DecisionRecord> = {
  ...messageKinds,
  kind: oneOf('decision'),
  time: (value) => text(value) && new Date(String(value)).toISOString() === value,
  id: text,
  outcome: oneOf('allow', 'challenge', 'refuse', 'hide', 'deny'),
  code: text,
  status: number,
  detail: text,
  issuer: text,
  subject: text,
  client: text,
  token: text,
  granted: texts,
  era: oneOf('modern', 'legacy'),
  batch: (value) =>
    Array.isArray(value) && value.every((entry) => fits(entry, { ...messageKinds, outcome: text })),
  address: text,
}
const outcomeKinds: Kinds<OutcomeRecord> = {
  kind: oneOf('outcome'),
  time: decisionKinds.time,
  decision: text,
  status: number,
  result: oneOf('ok', 'tool_error', 'error', 'cancelled'),
  milliseconds: number,
}

function fits(record: object, kinds: Readonly<Record<string, (value: unknown) => boolean>>): boolean {
  return Object.entries(record).every(([name, value]) => kinds[name]?.(value) === true)
}

const read = (uri: string): object => ({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri } })
const rules = [
  { tools: ['read_file'], require: { scopes: ['files:read'] }, limit: { count: 1, perSeconds: 3600 } },
  { tools: ['write_file'], require: { scopes: ['files:write'] } },
  { tools: ['audit_files'], require: { anyRole: ['staff'] } },
  { resources: ['note://*'] },
]
const requests: readonly (RequestChange & { readonly claims?: object })[] = [
  {},
  { token: undefined },
  { token: 'bad', address: '192.0.2.1' },
  { claims: { exp: 1 } },
  { body: callOf('read_file') },
  { body: callOf('write_file') },
  { body: callOf('audit_files') },
  { body: callOf('nothing') },
  { body: [callOf('read_file', 1), callOf('nothing', 2), read('note://a')] },
  { body: [callOf('nothing', 2), { jsonrpc: '2.0', id: 3, result: {} }] },
  { body: read('note://a') },
  { body: '{' },
  { method: 'PUT' },
]

test('K1: every record is of the type that says what is in records, and a program may take it as an object', async () => {
  const records: AuditRecord[] = []
  const sink = createCallbackSink(
    (record) => void records.push(record),
    () => assert.fail('nothing fails'),
  )
  const world = await startGuarded({ options: { rules, audit: sink, recordResourceUris: true } })
  for (const { claims = {}, ...request } of requests) {
    const token = 'token' in request ? request.token : world.issuer.sign({ claims: { ...claims } })
    const decision = await world.ask({ ...request, token })
    if (decision.granted) {
      world.server.recordOutcome(decision, { status: 200, result: 'ok', durationMilliseconds: 1.5 })
    }
  }
  assert.ok(records.length > requests.length)
  for (const record of records) {
    const kinds = record.kind === 'decision' ? decisionKinds : outcomeKinds
    assert.ok(fits(record, kinds), JSON.stringify(record))
  }
  const seen = new Set(
    records.flatMap((record) => (record.kind === 'decision' ? [record.outcome] : [record.kind])),
  )
  assert.deepEqual([...seen].toSorted(), ['allow', 'challenge', 'deny', 'hide', 'outcome', 'refuse'])
})

test('K1: the URI of a resource is recorded where that is asked for, cut and in one harmless line', async () => {
  for (const [recordResourceUris, expected] of [
    [true, `note://a/'${'x'.repeat(600)}`.slice(0, 512)],
    [false, undefined],
  ] as const) {
    const world = await startGuarded({ options: { rules, recordResourceUris } })
    await world.ask({ token: world.issuer.sign(), body: read(`note://a/'${'x'.repeat(600)}`) })
    const [line = ''] = world.sink.lines
    assert.match(line, /^[\x20-\x7e]*$/)
    assert.equal(world.records()[0]?.['uri'], expected)
  }
})

test('K6: a decision whose record cannot be taken is denied, and an outcome’s failure is told', async () => {
  const told: string[] = []
  const sink = createCallbackSink(
    ({ kind }) => {
      if (kind === failing) throw new Error('the disk is full')
    },
    (reason) => void told.push(reason),
  )
  let failing: AuditRecord['kind'] | undefined
  const world = await startGuarded({ options: { audit: sink } })
  const token = world.issuer.sign()
  const granted = await world.ask({ token })
  assert.ok(granted.granted)
  failing = 'outcome'
  world.server.recordOutcome(granted, { status: 200, result: 'ok', durationMilliseconds: 1 })
  assert.deepEqual(told, ['the disk is full'])
  failing = 'decision'
  const denied = await world.ask({ token })
  assert.ok(!denied.granted && denied.denial.code === 'audit_unavailable')
  failing = undefined
  assert.ok((await world.ask({ token })).granted)
  await world.server.close()
  const closed = await world.ask({ token })
  assert.ok(!closed.granted && closed.denial.code === 'audit_unavailable')
})
