import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OutboundAnswer } from '@mcp-doorman/outbound'
import { readBuiltInCredentials } from '@mcp-doorman/casdoor'
import { answerOf, json, origin, recorded, recordedData, watched } from './recorded.ts'

const administrator = { user: 'admin', password: 'hunter2' }
const session = answerOf(recorded('provisioning/admin-session').response)
const application = answerOf(recorded('provisioning/get-application-admin').response)

interface Case {
  readonly name: string
  readonly login?: OutboundAnswer
  readonly read?: OutboundAnswer
  readonly code: string
  readonly message: RegExp
  /** How many requests there are, the signing out included. */
  readonly requests: number
}

const cases: readonly Case[] = [
  {
    name: 'a wrong password',
    login: answerOf(recorded('authorize/login-wrong-password').response),
    code: 'wrong_credentials',
    message: /4 remaining chances\. Nobody was signed in as admin of built-in/,
    requests: 1,
  },
  {
    name: 'an account that is locked',
    login: answerOf(recorded('authorize/login-locked').response),
    code: 'wrong_credentials',
    message: /wait for 15 minutes/,
    requests: 1,
  },
  {
    name: 'a second factor',
    login: json({ status: 'ok', msg: '', data: 'NextMfa', data2: [{ mfaType: 'app' }] }),
    code: 'wrong_credentials',
    message: /needs more than a password, such as a second factor/,
    requests: 1,
  },
  {
    name: 'a sign-in without a session',
    login: json({ status: 'ok', msg: '', data: 'built-in/admin' }),
    code: 'wrong_credentials',
    message: /needs more than a password/,
    requests: 1,
  },
  {
    name: 'a web page',
    login: answerOf(recorded('errors/unknown-root-path-with-ui').response),
    code: 'not_casdoor',
    message: /text\/html/,
    requests: 1,
  },
  {
    name: 'somebody who does not administer',
    read: answerOf(recorded('provisioning/get-application-anonymous').response),
    code: 'not_allowed',
    message: /is not shown the secret of app-built-in: the account does not administer this Casdoor/,
    requests: 3,
  },
  {
    name: 'a Casdoor without that application',
    read: answerOf(recorded('provisioning/get-application-missing').response),
    code: 'in_the_way',
    message: /has no application app-built-in/,
    requests: 3,
  },
]

for (const { name, login = session, read = application, code, message, requests } of cases) {
  test(`an administrator: ${name} is ${code}`, async () => {
    const outbound = watched(({ url }) => (url.includes('get-application') ? read : login))
    const found = await readBuiltInCredentials(outbound, origin, administrator)
    assert.ok(!found.ok)
    assert.equal(found.problem.code, code)
    assert.match(found.problem.message, message)
    assert.doesNotMatch(found.problem.message, /hunter2/)
    assert.equal(outbound.requests.length, requests)
    if (requests === 3) assert.match(outbound.requests[2]?.url ?? '', /\/api\/logout$/)
  })
}

test('an administrator is given the credentials of app-built-in, and only their own session is used', async () => {
  const data = recordedData('provisioning/get-application-admin')
  const outbound = watched(({ url }) => (url.endsWith('login') ? session : json({ status: 'ok', data })))
  const found = await readBuiltInCredentials(outbound, origin, administrator)
  assert.deepEqual(found, {
    ok: true,
    value: { clientId: data['clientId'], clientSecret: data['clientSecret'] },
  })
  for (const { headers } of outbound.requests.slice(1)) {
    assert.equal(headers?.['cookie'], 'casdoor_session_id=<session>')
    assert.equal(headers?.['authorization'], undefined)
  }
})
