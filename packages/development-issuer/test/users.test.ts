import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DevelopmentUser, parseUsers, startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import * as fc from 'fast-check'
import {
  authorizeUrl,
  decode,
  files,
  getTokens,
  logIn,
  redeem,
  resource,
  startIssuer,
  tokensOf,
} from './oauth-client.ts'
import { walkLogin } from './walk-login.ts'

const everything = 'files:list files:read files:write'
const carol: DevelopmentUser = {
  name: 'carol',
  password: 'carol',
  displayName: 'Carol C.',
  email: 'carol@example.com',
  organization: 'acme',
  roles: ['editor'],
  groups: ['acme/docs'],
  mayConsentTo: ['files:list', 'files:read'],
  claims: { department: 'Docs' },
}

test('what is known of a user is in the access token', async (t) => {
  const issuer = await startIssuer(t, { users: [carol] })
  const { claims } = decode((await getTokens(issuer, { user: 'carol' })).access)
  const { sub, name, email, organization, roles, groups, department } = claims
  assert.deepEqual(
    { sub, name, email, organization, roles, groups, department },
    {
      sub: 'carol',
      name: 'Carol C.',
      email: 'carol@example.com',
      organization: 'acme',
      roles: ['editor'],
      groups: ['acme/docs'],
      department: 'Docs',
    },
  )
})

test('a user gives the scopes that they may, and the page says which they may not', async (t) => {
  const issuer = await startIssuer(t, { users: [carol, { ...carol, name: 'dave', mayConsentTo: [] }] })
  const pages: string[] = []
  const back = await walkLogin({
    authorizeUrl: authorizeUrl(issuer, { scope: everything }),
    user: 'carol',
    password: 'carol',
    decision: 'allow',
    onPage: ({ text }) => pages.push(text),
  })
  const { access, scope } = tokensOf(await redeem(issuer, back.searchParams.get('code') ?? ''))
  assert.equal(scope, 'files:list files:read')
  assert.equal(decode(access).claims['scope'], 'files:list files:read')
  const [offered, refused] = (pages[1] ?? '').split('your account may not allow')
  assert.match(offered ?? '', /files:list[^]*files:read/)
  assert.match(refused ?? '', /files:write[^]*value="allow"/)
  assert.ok(!(offered ?? '').includes('files:write'))
})

test('whoever may give none of it is offered no Allow, and a form that says so all the same gets nothing', async (t) => {
  const issuer = await startIssuer(t, { users: [{ ...carol, mayConsentTo: ['files:list'] }] })
  const pages: string[] = []
  const walk = {
    authorizeUrl: authorizeUrl(issuer, { scope: 'files:write' }),
    user: 'carol',
    password: 'carol',
    onPage: ({ text }: { text: string }) => pages.push(text),
  }
  await assert.rejects(walkLogin({ ...walk, decision: 'allow' }), /may allow none of what/)
  assert.ok(!(pages[1] ?? '').includes('value="allow"'))
  const denied = await walkLogin({ ...walk, decision: 'deny' })
  assert.equal(denied.searchParams.get('error'), 'access_denied')
})

test('autoConsent without autoLogin asks who is there, and gives what they may', async (t) => {
  const issuer = await startIssuer(t, { users: [carol], autoConsent: true })
  let pages = 0
  const back = await walkLogin({
    authorizeUrl: authorizeUrl(issuer, { scope: everything, prompt: 'consent' }),
    user: 'carol',
    password: 'carol',
    decision: 'deny',
    onPage: () => (pages += 1),
  })
  assert.equal(pages, 1)
  const { scope } = tokensOf(await redeem(issuer, back.searchParams.get('code') ?? ''))
  assert.equal(scope, 'files:list files:read')
})

test('autoLogin without autoConsent asks what the named user allows', async (t) => {
  const issuer = await startIssuer(t, { users: [carol, { ...carol, name: 'dave' }], autoLogin: 'dave' })
  const pages: string[] = []
  const back = await walkLogin({
    authorizeUrl: authorizeUrl(issuer, { prompt: 'login' }),
    user: '',
    password: '',
    decision: 'allow',
    onPage: ({ text }) => pages.push(text),
  })
  assert.equal(pages.length, 1)
  assert.match(pages[0] ?? '', /signed in as <strong>dave/)
  const { access } = tokensOf(await redeem(issuer, back.searchParams.get('code') ?? ''))
  assert.equal(decode(access).claims['sub'], 'dave')
})

test('without anybody to ask, who may give nothing of it is refused at the client', async (t) => {
  const issuer = await startIssuer(t, {
    users: [{ ...carol, mayConsentTo: [] }],
    autoLogin: true,
    autoConsent: true,
  })
  const { searchParams } = await logIn(issuer, { user: 'carol' })
  assert.equal(searchParams.get('error'), 'access_denied')
})

test('a token without a login has no scope that the user may not give', async (t) => {
  const issuer = await startIssuer(t, { users: [carol] })
  const mint = async (scope: string): Promise<number> => {
    const body = JSON.stringify({ user: 'carol', scope, resource })
    const headers = { authorization: `Bearer ${issuer.secret}` }
    return (await fetch(`${issuer.issuer}/development/token`, { method: 'POST', headers, body })).status
  }
  assert.equal(await mint('files:read'), 200)
  assert.equal(await mint('files:read files:write'), 400)
})

const mistakes: readonly { readonly users: unknown; readonly says: readonly string[] }[] = [
  { users: 'alice', says: [' must be a list of users'] },
  { users: [], says: [' must have at least one user'] },
  { users: [null, 'bob'], says: ['0 must be a user, with name and password', '1 must be a user, with name'] },
  { users: [{ name: '' }], says: ['0.name must be a text', '0.password is missing'] },
  { users: [{ ...carol, pasword: 'x' }], says: ['0.pasword is unknown; known: name, password'] },
  { users: [carol, { ...carol }], says: ['1.name is there twice'] },
  { users: [{ ...carol, roles: 'editor' }], says: ['0.roles must be a list of texts'] },
  { users: [{ ...carol, groups: ['a', ''] }], says: ['0.groups must be a list of texts'] },
  { users: [{ ...carol, mayConsentTo: ['a b'] }], says: ['0.mayConsentTo must be a list of scopes'] },
  {
    users: [{ ...carol, claims: { sub: 'root', aud: 'x', team: 1 } }],
    says: ['0.claims.sub is said by', '0.claims.aud is said'],
  },
]
for (const { users, says } of mistakes) {
  test(`users that cannot be used: ${says.join('; ')}`, async () => {
    const answer = parseUsers(users)
    assert.ok(!answer.ok)
    assert.equal(answer.mistakes.length, says.length)
    for (const [index, beginning] of says.entries()) {
      const { path, problem } = answer.mistakes[index] ?? { path: [], problem: '' }
      assert.ok(`${path.join('.')} ${problem}`.startsWith(beginning), `${path.join('.')} ${problem}`)
    }
    // The option is read by the same rules.
    const given = { port: 0, resources: [files], users: users as readonly DevelopmentUser[] }
    await assert.rejects(startDevelopmentIssuer(given), /options that cannot be used:\nusers/)
  })
}

test('whatever is called a list of users, reading it never throws, and what is good is a copy', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.constant(carol))), (given) => {
      const answer = parseUsers(given)
      if (answer.ok) assert.notEqual(answer.users[0], given[0])
    }),
  )
})

test('autoLogin names a user that is there', async () => {
  const given = { port: 0, resources: [files], autoLogin: 'mallory' }
  await assert.rejects(startDevelopmentIssuer(given), /autoLogin: no user is called "mallory"/)
})
