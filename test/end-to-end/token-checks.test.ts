import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLab } from './doorman-process.ts'
import { publicJwk, signToken, startHandMadeIssuer } from './hand-made-issuer.ts'
import { callTool } from './mcp-wire.ts'
import { startFiles } from './protected-servers.ts'

const list = { name: 'list_files' }
const scope = 'files:list'
const secret = { env: { SECRET: 'of the server' } }
const ask = ['--introspect', 'server', '--introspect-secret', 'env:SECRET']

test('with --introspect a token counts while its issuer says so', async (t) => {
  const lab = openLab(t)
  const said = { active: true }
  const issuer = await startHandMadeIssuer(lab, (name, key) => ({
    '/.well-known/oauth-authorization-server': {
      issuer: name,
      jwks_uri: `${name}/keys`,
      introspection_endpoint: `${name}/introspect`,
    },
    '/keys': { keys: [publicJwk(key)] },
    '/introspect': said,
  }))
  const words = ['--issuer', issuer.issuer, ...ask, '--introspect-cache', '1s']
  const { url } = await startFiles(lab, { words, command: secret })
  const token = (): string => signToken(issuer.key, { iss: issuer.issuer, aud: url, scope })
  assert.equal((await callTool(url, token(), list)).status, 200)
  said.active = false
  assert.equal((await callTool(url, token(), list)).status, 401)
  assert.ok(issuer.asked.includes('/introspect'))
})

test('with --opaque-tokens the issuer says all there is to know, and a token that was stolen can be revoked', async (t) => {
  const lab = openLab(t)
  let url = ''
  const issuer = await startHandMadeIssuer(lab, (name) => ({
    '/.well-known/oauth-authorization-server': { issuer: name, introspection_endpoint: `${name}/introspect` },
    get '/introspect'() {
      const exp = Math.floor(Date.now() / 1000) + 60
      return {
        active: true,
        sub: 'alice',
        client_id: 'agent',
        aud: url,
        scope,
        exp,
        jti: 'as-the-issuer-calls-it',
      }
    },
  }))
  const state = lab.makeFolder()
  const words = ['--issuer', issuer.issuer, ...ask, '--opaque-tokens', '--state', state]
  ;({ url } = await startFiles(lab, { words, command: secret }))
  assert.equal((await callTool(url, 'any-word', list)).status, 200)
  const revoked = await lab.run(['revoke', '--state', state, '--token'], {}, 'any-word\n')
  assert.equal(revoked.code, 0, revoked.stderr)
  assert.equal(
    (await callTool(url, 'any-word', list)).status,
    401,
    'whoever holds it does not know its "jti"',
  )
  assert.equal((await callTool(url, 'another-word', list)).status, 200)
})

test('with --dpop require plain tokens are refused, and the metadata says so', async (t) => {
  const lab = openLab(t)
  const issuer = await startHandMadeIssuer(lab)
  const { url, origin } = await startFiles(lab, { words: ['--issuer', issuer.issuer, '--dpop', 'require'] })
  const refused = await callTool(url, signToken(issuer.key, { iss: issuer.issuer, aud: url, scope }), list)
  assert.equal(refused.status, 401)
  assert.match(refused.headers.get('www-authenticate') ?? '', /^DPoP error="invalid_token".* algs="ES256 /)
  const answer = await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)
  const document: unknown = await answer.json()
  assert.ok(
    typeof document === 'object' && document !== null && 'dpop_bound_access_tokens_required' in document,
  )
})
