/** What `doorman config explain` says of a caller is what the gate does with a request of theirs. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  createResourceServer,
  readHeaders,
  type Decision,
  type ResourceServer,
} from '@mcp-doorman/resource-server'
import { createCallbackSink } from '@mcp-doorman/resource-server/audit-log'
import * as fc from 'fast-check'
import { createExplaining } from '#internal/config/check-by-building'
import { actionOf } from '#internal/config/suppose-caller'
import { readConfiguration } from '#internal/config/read-configuration'
import { resourceServerOptions } from '#internal/config/resource-server-options'
import { stringify } from 'yaml'
import { openLab } from '../../../test/end-to-end/doorman-process.ts'
import { signToken, startHandMadeIssuer } from '../../../test/end-to-end/hand-made-issuer.ts'
import { rounds } from '../../../test/rounds.ts'

const { issuer, key } = await startHandMadeIssuer(openLab({ after }))
const resource = 'http://127.0.0.1:8080/notes/mcp'

// Few names, so that rules, requests and tokens meet often.
const scopes = ['read', 'write', 'admin'] as const
const roles = ['editor', 'owner'] as const
const groups = ['staff', 'guests'] as const
const clients = ['agent', 'console'] as const
const names = ['get', 'get_all', 'put', 'purge'] as const

const some = <Name extends string>(all: readonly Name[]): fc.Arbitrary<Name[]> =>
  fc.subarray([...all], { minLength: 1 })
const perhaps = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 4 }, { arbitrary, weight: 1 })

/** In an order in which each is reached: names before the patterns that fit them. */
const selectors = [...names, 'get*', 'p*', '*'] as const

const rule = fc.record({
  require: fc.record({
    scopes: perhaps(some(scopes)),
    anyScope: perhaps(some(scopes)),
    anyRole: perhaps(some(roles)),
    anyGroup: perhaps(some(groups)),
    anyClient: perhaps(some(clients)),
    authentication: perhaps(
      fc.record({ acrValues: some(['weak', 'strong']), maxAge: fc.constantFrom('1m', '1h') }),
    ),
  }),
  when: perhaps(
    fc.constantFrom(
      'args.n < 3',
      '"editor" in identity.roles',
      'identity.subject == "alice"',
      'has(args.n) && args.n == 5',
      'identity.claims.tenant == "acme" || client.id == "console"',
    ),
  ),
  otherwise: perhaps(fc.constantFrom('hide', 'refuse')),
  hidden: perhaps(fc.constant(true)),
})

const claims = fc.record(
  {
    sub: fc.constantFrom('alice', 'bob'),
    client_id: fc.constantFrom(...clients),
    scope: fc.subarray([...scopes]).map((list) => list.join(' ')),
    roles: fc.subarray([...roles]),
    groups: fc.subarray([...groups]),
    acr: fc.constantFrom('weak', 'strong', 'other'),
    auth_time: fc.constantFrom(0, Math.floor(Date.now() / 1000) - 600, Math.floor(Date.now() / 1000)),
    tenant: fc.constantFrom('acme', 'other'),
  },
  { requiredKeys: ['sub', 'client_id', 'scope'] },
)

const call = fc.record({
  name: fc.constantFrom(...names, 'unknown'),
  arguments: fc.record({ n: fc.constantFrom(1, 5, 'text') }, { requiredKeys: [] }),
})

interface Gate {
  readonly server: ResourceServer
  readonly explaining: ResourceServer
  /** Outcome and rule of the last decision. */
  readonly recorded: () => { readonly outcome: string; readonly rule: string | undefined }
}

/** From the text of a file, as the command has it. */
function buildGate(rules: readonly object[]): Gate {
  const text = stringify({
    version: 1,
    issuers: [{ issuer }],
    servers: {
      notes: {
        path: '/notes/mcp',
        command: ['true'],
        scopes: { read: {}, write: { implies: ['read'] }, admin: { implies: ['write'] } },
        rules: [{ tools: ['asks_for_all'], require: { scopes: [...scopes] } }, ...rules],
      },
    },
  })
  const reading = readConfiguration(text, '/etc/doorman/doorman.yaml')
  assert.ok(reading.ok, reading.ok ? '' : reading.problems)
  const [notes] = reading.configuration.servers
  assert.ok(notes !== undefined)
  let last = { outcome: '', rule: undefined as string | undefined }
  const audit = createCallbackSink(
    (record) => {
      if (record.kind === 'decision') last = { outcome: record.outcome, rule: record.rule }
    },
    () => assert.fail('records can be kept'),
  )
  const options = resourceServerOptions(reading.configuration, notes, audit, () => '')
  return {
    server: createResourceServer({ ...options, callerLimit: 'off' }),
    explaining: createExplaining(notes, reading.configuration.issuers),
    recorded: () => last,
  }
}

function ask(server: ResourceServer, token: string, params: object): Promise<Decision> {
  return server.guard({
    form: 'mcp',
    method: 'POST',
    target: '/notes/mcp',
    headers: readHeaders([
      'Content-Type',
      'application/json',
      'Accept',
      'application/json, text/event-stream',
      'Authorization',
      `Bearer ${token}`,
    ]),
    address: '127.0.0.1',
    readBody: async () =>
      Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })),
  })
}

test('over generated policies and requests, explain agrees with the gate', async () => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(some(selectors), rule), { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(claims, call), { minLength: 1, maxLength: 4 }),
      async (rules, requests) => {
        const gate = buildGate(reachable(rules))
        try {
          for (const [said, params] of requests) {
            const [token, facts] = [
              signToken(key, { iss: issuer, aud: resource, ...said }),
              { iss: issuer, ...said },
            ]
            const decision = await ask(gate.server, token, params)
            const caller = gate.explaining.suppose(facts)
            assert.ok(caller !== undefined)
            const item = { kind: 'tool', name: params.name } as const
            const [explained] = gate.explaining.explain(caller, actionOf(item, params.arguments))
            const { outcome, rule: judged } = gate.recorded()
            assert.deepEqual(
              { outcome: explained?.outcome, rule: explained?.rule },
              { outcome, rule: judged },
            )
            if (!decision.granted && decision.denial.missing !== undefined) {
              const wanted = new Set(explained?.checks.flatMap((check) => check.wanted))
              assert.ok(decision.denial.missing.every((scope) => wanted.has(scope)))
            }
            assert.equal(
              explained?.unlock === undefined,
              explained?.outcome === 'allow' || !canBeMended(explained),
            )
            seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
          }
        } finally {
          await gate.server.close()
          await gate.explaining.close()
        }
      },
    ),
    rounds(250),
  )
  // A generator that only ever makes refusals would prove nothing.
  for (const outcome of ['allow', 'challenge', 'refuse', 'hide']) {
    assert.ok((seen.get(outcome) ?? 0) > 10, `${outcome}: ${JSON.stringify([...seen])}`)
  }
})

function canBeMended(explained: ReturnType<ResourceServer['explain']>[number] | undefined): boolean {
  return (
    explained?.rule !== undefined &&
    !explained.checks.some(({ requirement, met }) => requirement === 'when' && !met)
  )
}

type GeneratedRule = typeof rule extends fc.Arbitrary<infer Made> ? Made : never

/** Each selector in the first rule that has it, in an order in which none takes what a later one names. */
function reachable(rules: readonly (readonly [readonly string[], GeneratedRule])[]): readonly object[] {
  const places = selectors.map((selector) => rules.findIndex(([wanted]) => wanted.includes(selector)))
  let least = 0
  const tools = rules.map((): string[] => [])
  for (const [index, place] of places.entries()) {
    if (place === -1) continue
    least = Math.max(least, place)
    tools[least]?.push(selectors[index] ?? '')
  }
  return rules.flatMap(([, made], index) => {
    const named = tools[index] ?? []
    return named.length === 0 ? [] : [effective(named, made)]
  })
}

/** What has no effect would be refused. */
function effective(tools: readonly string[], { require, when, otherwise, hidden }: GeneratedRule): object {
  if (hidden === true) return { tools, hidden }
  const { anyRole, anyGroup, anyClient } = require
  const canBeRefused = [anyRole, anyGroup, anyClient, when].some((member) => member !== undefined)
  return {
    tools,
    require,
    ...(when !== undefined && { when }),
    ...(otherwise !== undefined && canBeRefused && { otherwise }),
  }
}
