/**
 * The scope challenges of a server that the official conformance suite plans (its issue 480): four operations, the
 * scopes of each, and two opaque tokens. A server is held to them with those, and with signed tokens of the same kind.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { ResourceServerOptions, Rule } from '@mcp-doorman/resource-server'
import { parseChallenge } from './challenge-parser.ts'
import { resource, startGuarded, startTime, type Guarded } from './guarded.ts'
import { askMcp, resultIn, type Era } from './mcp-request.ts'
import { json, startTestIssuer } from './test-issuer.ts'

export const names = {
  tool: 'test_simple_text',
  static: 'test://static-text',
  template: 'test://template/123/data',
  templatePattern: 'test://template/{id}/data',
  prompt: 'test_simple_prompt',
} as const

const scope = (name: string): string => `mcp:conformance:${name}`
const operations = [
  {
    method: 'tools/call',
    params: { name: names.tool },
    name: names.tool,
    scopes: [scope('tools:call'), scope('tools:test_simple_text')],
  },
  {
    method: 'resources/read',
    params: { uri: names.static },
    name: names.static,
    scopes: [scope('resources:read'), scope('resources:static')],
  },
  {
    method: 'resources/read',
    params: { uri: names.template },
    name: names.template,
    scopes: [scope('resources:read'), scope('resources:template:123')],
  },
  {
    method: 'prompts/get',
    params: { name: names.prompt },
    name: names.prompt,
    scopes: [scope('prompts:get'), scope('prompts:test_simple_prompt')],
  },
] as const

const [tool, fixed, template, prompt] = operations
export const rules: readonly Rule[] = [
  { tools: [names.tool], require: { scopes: tool.scopes } },
  { resources: [names.static], require: { scopes: fixed.scopes } },
  { resources: [names.template], require: { scopes: template.scopes } },
  { resources: [names.templatePattern], require: { scopes: [scope('resources:read')] } },
  { prompts: [names.prompt], require: { scopes: prompt.scopes } },
]

const operationScopes = operations.flatMap(({ scopes }) => scopes)
const baseline = scope('baseline')
export const scopes: ResourceServerOptions['scopes'] = Object.fromEntries(
  [baseline, ...operationScopes].map((name) => [name, {}]),
)

const opaqueTokens: ReadonlyMap<string, string> = new Map([
  ['mcp-conformance-scope-low', baseline],
  ['mcp-conformance-scope-full', operationScopes.join(' ')],
])

/** A token that is good and lacks scopes, and one that has those of the challenge. */
const kinds: readonly {
  readonly kind: string
  readonly low: (guarded: Guarded) => string
  readonly full: (guarded: Guarded, challenged: string) => string
}[] = [
  {
    kind: 'signed',
    // One of the two scopes of each operation.
    low: ({ issuer }) =>
      issuer.sign({ claims: { scope: operations.map(({ scopes: [general] }) => general).join(' ') } }),
    full: ({ issuer }, challenged) => issuer.sign({ claims: { scope: challenged } }),
  },
  { kind: 'opaque', low: () => 'mcp-conformance-scope-low', full: () => 'mcp-conformance-scope-full' },
]

/** A resource server with an issuer of signed tokens and one of opaque tokens, which knows those two. */
export async function startChallenging(options: Partial<ResourceServerOptions> = {}): Promise<Guarded> {
  const opaque = await startTestIssuer({ audience: resource, nowSeconds: () => startTime })
  after(() => opaque.close())
  opaque.answerIntrospection = (request, response) => {
    const known = opaqueTokens.get(opaque.questions.at(-1)?.form.get('token') ?? '')
    const said =
      known === undefined ? { active: false } : { active: true, ...opaque.claims({ scope: known }) }
    json(said)(request, response)
  }
  const introspection = { clientId: 'server', clientSecret: 'secret' }
  return startGuarded({
    options: { rules, scopes, challengeScopes: [baseline], ...options },
    optionsOf: ({ issuer }) => ({
      issuers: [{ issuer }, { issuer: opaque.issuer, tokens: 'opaque', introspection }],
    }),
  })
}

export interface Challenging {
  readonly name: string
  readonly eras: readonly Era[]
  readonly guarded: Guarded
  readonly port: number
  /** What has run behind the guard. */
  readonly ran: string[]
}

/** Adds the tests that hold a server behind {@link startChallenging} to the rows. */
export function testScopeChallenges({ name: server, eras, guarded, port, ran }: Challenging): void {
  for (const era of eras) {
    for (const { kind, low, full } of kinds) {
      for (const { scopes: wanted, ...operation } of operations) {
        const { method, name } = operation
        test(`${server}, ${era}: E4, E5, M4: ${method} of ${name} is challenged for all of its scopes, and then works, with ${kind} tokens`, async () => {
          const refused = await askMcp(port, { ...operation, era, token: low(guarded) })
          assert.equal(refused.status, 403)
          const { parameters } = parseChallenge(String(refused.headers['www-authenticate']))
          assert.equal(parameters.get('error'), 'insufficient_scope')
          assert.equal(parameters.get('scope'), wanted.join(' '))
          assert.equal(parameters.get('resource_metadata'), guarded.server.metadata.url)
          assert.deepEqual(ran.splice(0), [])
          const token = full(guarded, parameters.get('scope') ?? '')
          const granted = await askMcp(port, { ...operation, era, token })
          assert.equal(granted.status, 200)
          assert.ok(Object.keys(resultIn(granted)).length > 0, granted.text)
          assert.deepEqual(ran.splice(0), [name])
        })
      }
    }

    test(`${server}, ${era}: D2, M4: an opaque token that its issuer does not know is 401`, async () => {
      const { scopes: _, ...operation } = tool
      const refused = await askMcp(port, { ...operation, era, token: 'mcp-conformance-scope-none' })
      assert.equal(refused.status, 401)
      const { parameters } = parseChallenge(String(refused.headers['www-authenticate']))
      assert.equal(parameters.get('error'), 'invalid_token')
      assert.deepEqual(ran.splice(0), [])
    })
  }
}
