import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRecordedVerifier, recordedIntrospection, recordedKeys } from './recorded-casdoor.ts'

const audience = 'https://mcp.example/mcp'
const keys = recordedKeys('global')

/** What becomes of a recorded token; with a recorded answer, if the issuer is asked. */
async function outcome(token: string, answer?: string): Promise<string> {
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    exp: number
  } // Recorded.
  const verifier = createRecordedVerifier({
    audience,
    nowSeconds: () => exp - 1,
    documents: () => ({ keys }),
    ...(answer !== undefined && { introspection: recordedIntrospection(answer).response }),
  })
  return verifier.outcome(token)
}

const rows: readonly (readonly [name: string, expected: string])[] = [
  ['access-mcp-custom', 'allow'],
  ['access-mcp-jwt', 'allow'],
  // Casdoor answers for tokens of formats like the asker's own only.
  ['access-mcp-standard', 'token_inactive'],
  ['expired', 'token_inactive'],
  ['after-logout', 'token_inactive'],
  ['after-forbid', 'token_inactive'],
  // The token itself says nothing of its key.
  ['dpop', 'sender_unproven'],
  // Refused before anybody is asked: without the hint Casdoor calls it active.
  ['refresh-mcp-jwt-no-hint', 'token_type_refused'],
  ['refresh-mcp-jwt-hint-access', 'token_type_refused'],
  ['refresh-mcp-custom-no-hint', 'token_type_refused'],
]
for (const [name, expected] of rows) {
  test(`the recorded Casdoor token ${name}, with its own recorded answer → ${expected}`, async () => {
    assert.equal(await outcome(recordedIntrospection(name).token, name), expected)
  })
}

test('each token above is good by its signature alone, or is told apart by it', async () => {
  for (const [name, expected] of rows) {
    const alone = expected === 'token_type_refused' ? expected : 'allow'
    assert.equal(await outcome(recordedIntrospection(name).token), alone, name)
  }
})

test('what Casdoor answers when it does not take our credentials is never the caller’s fault', async () => {
  const { token } = recordedIntrospection('access-mcp-custom')
  assert.equal(await outcome(token, 'no-auth'), 'issuer_unavailable')
  assert.equal(await outcome(token, 'wrong-auth'), 'introspection_refused')
  assert.equal(await outcome(token, 'error-bad-assertion'), 'introspection_refused')
})

test('an answer about another token is no answer about this one', async () => {
  const { token } = recordedIntrospection('access-mcp-custom')
  assert.equal(await outcome(token, 'access-mcp-jwt'), 'claim_invalid')
})
