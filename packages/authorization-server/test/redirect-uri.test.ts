import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isAppScheme,
  type RedirectPolicy,
  redirectUriMatches,
  redirectUriProblem,
} from '#internal/redirect-uri'
import * as fc from 'fast-check'

const policy: RedirectPolicy = { loopbackHosts: 'interchangeable', appSchemes: ['cursor'] }
const exact: RedirectPolicy = { ...policy, loopbackHosts: 'exact' }

const rows: readonly { uri: string; allowed: boolean }[] = [
  { uri: 'https://claude.ai/api/mcp/auth_callback', allowed: true },
  { uri: 'http://localhost:3118/callback', allowed: true },
  { uri: 'http://127.0.0.1/', allowed: true },
  { uri: 'http://[::1]:9/x?y=z', allowed: true },
  { uri: 'cursor://anysphere.cursor-mcp/oauth/callback', allowed: true },
  { uri: 'windsurf://callback', allowed: false },
  { uri: 'http://example.com/callback', allowed: false },
  { uri: 'http://localhost.example.com/callback', allowed: false },
  { uri: 'http://127.0.0.2/callback', allowed: false },
  { uri: 'http://localhost@evil.example/', allowed: false },
  { uri: 'https://user@example.com/', allowed: false },
  { uri: 'https://@example.com/', allowed: false },
  { uri: 'https://example.com/#', allowed: false },
  { uri: 'https://example.com/#x', allowed: false },
  { uri: 'javascript:alert(1)', allowed: false },
  { uri: 'JavaScript:alert(1)', allowed: false },
  { uri: '\tjavascript:alert(1)', allowed: false },
  { uri: 'data:text/html,x', allowed: false },
  { uri: 'blob:https://example.com/1', allowed: false },
  { uri: 'view-source:https://example.com', allowed: false },
  { uri: '/callback', allowed: false },
  { uri: '', allowed: false },
]
for (const { uri, allowed } of rows) {
  test(`CA3: ${JSON.stringify(uri)} ${allowed ? 'may' : 'may not'} be registered`, () => {
    const problem = redirectUriProblem(uri, policy)
    assert.equal(problem === undefined, allowed, problem)
  })
}

const matches: readonly { asked: string; registered: string; any: boolean; exact: boolean }[] = [
  { asked: 'http://localhost:1/callback', registered: 'http://localhost/callback', any: true, exact: true },
  { asked: 'http://localhost/callback', registered: 'http://localhost:9/callback', any: true, exact: true },
  {
    asked: 'http://127.0.0.1:1/callback',
    registered: 'http://localhost:2/callback',
    any: true,
    exact: false,
  },
  { asked: 'http://[::1]:1/callback', registered: 'http://127.0.0.1/callback', any: true, exact: false },
  { asked: 'http://127.0.0.1:1', registered: 'http://127.0.0.1/', any: true, exact: true },
  {
    asked: 'http://localhost:1/callback/',
    registered: 'http://localhost/callback',
    any: false,
    exact: false,
  },
  { asked: 'http://localhost:1/Callback', registered: 'http://localhost/callback', any: false, exact: false },
  {
    asked: 'http://localhost:1/callback?x',
    registered: 'http://localhost/callback',
    any: false,
    exact: false,
  },
  {
    asked: 'http://localhost:1/x/../callback',
    registered: 'http://localhost/callback',
    any: false,
    exact: false,
  },
  {
    asked: 'http://localhost:1\\callback',
    registered: 'http://localhost/callback',
    any: false,
    exact: false,
  },
  {
    asked: 'http://localhost:1/callback#',
    registered: 'http://localhost/callback',
    any: false,
    exact: false,
  },
  {
    asked: 'http://x@localhost:1/callback',
    registered: 'http://localhost/callback',
    any: false,
    exact: false,
  },
  {
    asked: 'https://localhost:1/callback',
    registered: 'http://localhost/callback',
    any: false,
    exact: false,
  },
  {
    asked: 'https://a.example:1/callback',
    registered: 'https://a.example/callback',
    any: false,
    exact: false,
  },
  { asked: 'https://a.example/callback', registered: 'https://a.example/callback', any: true, exact: true },
  { asked: 'cursor://a/b', registered: 'cursor://a/b', any: true, exact: true },
  { asked: 'cursor://a:1/b', registered: 'cursor://a/b', any: false, exact: false },
]
for (const { asked, registered, any, exact: sameHost } of matches) {
  test(`CF15: ${asked} for ${registered}: ${any} with interchangeable hosts, ${sameHost} with exact ones`, () => {
    assert.equal(redirectUriMatches(asked, [registered], policy), any)
    assert.equal(redirectUriMatches(asked, [registered], exact), sameHost)
  })
}

test('whatever the text, judging it does not throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.webUrl(), (uri, registered) => {
      redirectUriProblem(uri, policy)
      redirectUriMatches(uri, [registered, uri], policy)
    }),
  )
})

test('only a port can be exchanged, whatever the path', () => {
  const path = fc.webPath()
  fc.assert(
    fc.property(path, path, fc.nat(65_535), (first, second, port) => {
      const matched = redirectUriMatches(
        `http://localhost:${port}${first}`,
        [`http://localhost${second}`],
        exact,
      )
      assert.ok(!matched || first === second || first + second === '/')
    }),
  )
})

test('schemes that browsers act on themselves are no schemes of applications', () => {
  for (const scheme of ['cursor', 'vscode-insiders', 'com.example.app'])
    assert.ok(isAppScheme(scheme), scheme)
  for (const scheme of ['http', 'https', 'javascript', 'data', 'cursor:', 'Cursor', '', '*']) {
    assert.ok(!isAppScheme(scheme), scheme)
  }
})
