import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readSetupOptions, type SetupOptions } from '#internal/setup/options'

const usual: SetupOptions = {
  organization: 'acme',
  application: 'mcp-files',
  scopes: [{ name: 'files:read', displayName: 'Read files', tools: [] }],
}
const scope = (name: string, displayName = 'Words'): SetupOptions['scopes'] => [
  { name, displayName, tools: [] },
]

const mistakes: readonly (readonly [name: string, change: Partial<SetupOptions>, message: RegExp])[] = [
  ['the organization of administrators', { organization: 'built-in' }, /administers all of Casdoor/],
  ['the application of administrators', { application: 'app-built-in' }, /how Casdoor is administered/],
  ['an application without a name', { application: '' }, /must be a name/],
  ['a name with a space at its end', { application: 'mcp ' }, /without spaces around/],
  ['a name that is a path', { application: 'a/b' }, /takes none of/],
  ['a name that is a query', { organization: 'a?b' }, /takes none of/],
  ['a name with a control character', { organization: 'a\u0000b' }, /no control characters/],
  ['a name that is the folder above', { application: '..' }, /no name in a URL/],
  ['a name with a backslash', { application: 'a\\b' }, /no name in a URL/],
  ['a very long name', { application: 'x'.repeat(101) }, /more than 100/],
  ['no scope', { scopes: [] }, /at least one/],
  ['a scope with a space', { scopes: scope('files read') }, /no spaces/],
  ['a scope with a quote', { scopes: scope('files"read') }, /no spaces, quotes/],
  ['a scope that says nothing', { scopes: scope('files:read', ' ') }, /says nothing/],
  ['a scope twice', { scopes: [...scope('a'), ...scope('a')] }, /"a": is named twice/],
  ['a user twice', { users: ['a', 'a'].map((name) => ({ name, password: 'x' })) }, /"a": is named twice/],
  ['a user without a password', { users: [{ name: 'a', password: '' }] }, /password is empty/],
  ['a redirect URI that is a path', { redirectUris: ['/cb'] }, /not an absolute URI/],
  ['a redirect URI with a star', { redirectUris: ['https://*.example/cb'] }, /star/],
  ['a redirect URI with a fragment', { redirectUris: ['https://a.example/#x'] }, /fragment/],
  ['a redirect URI with a user', { redirectUris: ['https://u:p@a.example/'] }, /user name/],
  ['a redirect URI in plain http', { redirectUris: ['http://a.example/cb'] }, /plain http/],
  ['a redirect URI that is a program', { redirectUris: ['javascript:alert(1)'] }, /no client is reached/],
]
for (const [name, change, message] of mistakes) {
  test(`set-up refuses ${name}`, () => {
    assert.throws(
      () => readSetupOptions({ ...usual, ...change }),
      (error: Error) => {
        assert.equal(error.name, 'TypeError')
        assert.match(error.message, message)
        assert.equal(error.message.split('\n').length, 1, 'one mistake, one line')
        return true
      },
    )
  })
}

for (const [name, change] of [
  ['a name with spaces in it', { application: 'my notes' }],
  ['a redirect URI on loopback in plain http', { redirectUris: ['http://localhost:6274/oauth/callback'] }],
  ['a redirect URI on IPv6 loopback', { redirectUris: ['http://[::1]:5000/cb'] }],
  ['a redirect URI of a program', { redirectUris: ['cursor://anysphere.cursor-mcp/oauth/callback'] }],
] as const) {
  test(`set-up takes ${name}`, () => void readSetupOptions({ ...usual, ...change }))
}

test('all mistakes are told at once, and a password is in none', () => {
  const users = [{ name: 'a/b', password: 'hunter2' }]
  assert.throws(
    () => readSetupOptions({ organization: '', application: '', scopes: [], users }),
    (error: Error) => error.message.split('\n').length === 4 && !error.message.includes('hunter2'),
  )
})

test('a name that is taken needs no escaping in a path or a query of ids', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.oneof(
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
          fc.constantFrom('.', '\\', '/'),
        ),
        maxLength: 30,
      }),
      (application) => {
        try {
          readSetupOptions({ ...usual, application })
        } catch {
          return
        }
        assert.equal(new URL(`https://a.example/${application}/jwks`).pathname.split('/').length, 3)
        assert.equal(new URL(`https://a.example/${application}/jwks`).search, '')
      },
    ),
  )
})
