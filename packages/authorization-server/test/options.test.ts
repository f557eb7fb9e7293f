import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AuthorizationServerOptions,
  html,
  openAuthorizationServer,
} from '@mcp-doorman/authorization-server'

const options: AuthorizationServerOptions = {
  issuer: 'https://auth.example.com',
  resources: [{ resource: 'https://mcp.example.com/mcp', scopes: ['read', 'write'] }],
  login: {
    page: () => ({ title: '', content: html`` }),
    verify: async () => undefined,
    findAccount: () => undefined,
  },
}

test('sensible options are accepted', async () => {
  for (const issuer of [
    'https://auth.example.com',
    'https://auth.example.com/tenant',
    'http://127.0.0.1:8081',
  ]) {
    const server = await openAuthorizationServer({ ...options, issuer })
    assert.equal(server.issuer, issuer)
    server.close()
    server.close()
  }
})

const mistakes: readonly {
  name: string
  change: Partial<AuthorizationServerOptions> | object
  says: RegExp
}[] = [
  {
    name: 'an issuer with a final slash',
    change: { issuer: 'https://auth.example.com/' },
    says: /issuer: write https:\/\/auth.example.com\./,
  },
  {
    name: 'an issuer in capitals',
    change: { issuer: 'https://Auth.example.com' },
    says: /issuer: write https:\/\/auth/,
  },
  { name: 'an issuer with a query', change: { issuer: 'https://auth.example.com?x' }, says: /issuer: write/ },
  { name: 'an issuer that is no URL', change: { issuer: 'auth' }, says: /issuer: is not an absolute URL/ },
  { name: 'no resource', change: { resources: [] }, says: /resources: must name at least one/ },
  {
    name: 'one resource in two spellings',
    change: {
      resources: [
        { resource: 'https://a.example', scopes: ['s'] },
        { resource: 'https://a.example/', scopes: ['s'] },
      ],
    },
    says: /resources\[1\].resource: is there twice/,
  },
  {
    name: 'a scope with a space',
    change: { resources: [{ resource: 'https://a.example/x', scopes: ['a b'] }] },
    says: /"a b" is no scope/,
  },
  { name: 'an unknown option', change: { issuers: [] }, says: /issuers: unknown option/ },
  {
    name: 'a scheme that browsers run',
    change: { redirects: { appSchemes: ['javascript'] } },
    says: /javascript is no scheme/,
  },
  {
    name: 'a grace that is too long',
    change: { lifetimes: { reuseGraceSeconds: 601 } },
    says: /at most 600/,
  },
  {
    name: 'a lifetime of zero',
    change: { lifetimes: { accessTokenSeconds: 0 } },
    says: /accessTokenSeconds: must be/,
  },
  {
    name: 'unattended on a public issuer',
    change: { unattended: { subject: 'alice' } },
    says: /only with an issuer on loopback/,
  },
  {
    name: 'a client with a bad redirect and a short secret',
    change: { clients: [{ clientId: 'c', redirectUris: ['http://x.example/'], secret: 'short' }] },
    says: /redirectUris: http:\/\/x.example\/ must use https[^]*secret: must be at least 16/,
  },
  {
    name: 'a public client that may introspect',
    change: { clients: [{ clientId: 'c', redirectUris: ['https://x.example/'], mayIntrospect: true }] },
    says: /mayIntrospect: needs a secret/,
  },
]
for (const { name, change, says } of mistakes) {
  test(`${name} is refused at the start`, async () => {
    await assert.rejects(openAuthorizationServer({ ...options, ...change }), (error) => {
      assert.ok(error instanceof TypeError)
      assert.match(error.message, says)
      return true
    })
  })
}
