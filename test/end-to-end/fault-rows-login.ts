/** Faults of registration, login and redirect. A protected server sees nothing of them. */
import assert from 'node:assert/strict'
import type { DevelopmentIssuer } from '@mcp-doorman/development-issuer'
import {
  authorizeUrl,
  getJson,
  redirectUri,
  register,
} from '../../packages/development-issuer/test/oauth-client.ts'
import type { FaultRow } from './fault-world.ts'

type Params = Parameters<typeof authorizeUrl>[1]

/** Where the browser is sent by the first answer, with nobody at the pages. */
async function redirectOf(issuer: DevelopmentIssuer, params: Params = {}): Promise<URLSearchParams> {
  const response = await fetch(authorizeUrl(issuer, params), { redirect: 'manual' })
  const location = response.headers.get('location') ?? ''
  assert.ok(location.startsWith('http://127.0.0.1:49152/callback?'), `${response.status} ${location}`)
  return new URL(location).searchParams
}

/** A code of an issuer that asks nobody. */
export async function getUnattendedCode(issuer: DevelopmentIssuer, params: Params = {}): Promise<string> {
  return (await redirectOf(issuer, params)).get('code') ?? ''
}

async function announcesIss(issuer: DevelopmentIssuer): Promise<unknown> {
  const { body } = await getJson(`${issuer.issuer}/.well-known/oauth-authorization-server`)
  return body['authorization_response_iss_parameter_supported']
}

function issRow(mode: string, announced: boolean, sent: (issuer: string) => string | null): FaultRow {
  return {
    fault: 'iss',
    parameters: { mode },
    async symptom(issuer) {
      assert.equal(await announcesIss(issuer), announced)
      assert.equal((await redirectOf(issuer)).get('iss'), sent(issuer.issuer))
      const refused = await redirectOf(issuer, { scope: 'unknown' })
      assert.equal(refused.get('error'), 'invalid_scope')
      assert.equal(refused.get('iss'), sent(issuer.issuer), 'errors are redirects too')
    },
    server: 200,
  }
}

/** A request that is refused at the client, and its neighbour that is not. */
function refusedRow(
  fault: FaultRow['fault'],
  refused: Params,
  allowed: Params,
  error: string,
  parameters: Readonly<Record<string, unknown>> = {},
): FaultRow {
  return {
    fault,
    parameters,
    async symptom(issuer) {
      const back = await redirectOf(issuer, refused)
      assert.equal(back.get('error'), error)
      assert.equal(back.get('state'), 'a state & more')
      assert.equal(back.get('code'), null)
      assert.ok((await getUnattendedCode(issuer, allowed)) !== '')
    },
    server: 200,
  }
}

const native = { redirect_uris: ['http://127.0.0.1/callback'], token_endpoint_auth_method: 'none' }

/** Whether a client with this redirect may come back at that one. */
async function mayComeBack(issuer: DevelopmentIssuer, registered: string, wanted: string): Promise<boolean> {
  const { body } = await register(issuer, { ...native, redirect_uris: [registered] })
  const params = { client_id: String(body['client_id']), redirect_uri: wanted }
  const { status } = await fetch(authorizeUrl(issuer, params), { redirect: 'manual' })
  assert.ok(status === 303 || status === 400, String(status))
  return status === 303
}

export const loginRows: readonly FaultRow[] = [
  issRow('off', false, () => null),
  issRow('send-only', false, (issuer) => issuer),
  issRow('advertise-only', true, () => null),
  issRow('wrong', true, () => 'https://other.example.com'),
  {
    fault: 'redirect-ports',
    async symptom(issuer) {
      assert.equal(
        await mayComeBack(issuer, 'http://127.0.0.1/callback', 'http://127.0.0.1:5000/callback'),
        false,
      )
      assert.equal(
        await mayComeBack(issuer, 'http://127.0.0.1:5000/callback', 'http://localhost:5000/callback'),
        true,
      )
    },
    server: 200,
  },
  {
    fault: 'redirect-hosts',
    async symptom(issuer) {
      assert.equal(await mayComeBack(issuer, 'http://127.0.0.1/callback', 'http://localhost/callback'), false)
      assert.equal(
        await mayComeBack(issuer, 'http://127.0.0.1/callback', 'http://127.0.0.1:5000/callback'),
        true,
      )
    },
    server: 200,
  },
  {
    fault: 'scope-not-registered',
    async symptom(issuer) {
      const plain = await register(issuer, native)
      const named = await register(issuer, { ...native, scope: 'files:read' })
      assert.deepEqual([plain.status, named.status], [201, 201])
      const scope = 'files:read'
      const refused = await redirectOf(issuer, { client_id: String(plain.body['client_id']), scope })
      assert.equal(refused.get('error'), 'invalid_scope')
      assert.ok(
        (await getUnattendedCode(issuer, { client_id: String(named.body['client_id']), scope })) !== '',
      )
    },
    server: 200,
  },
  refusedRow(
    'offline-access-refused',
    { scope: 'files:read offline_access' },
    { scope: 'files:read' },
    'invalid_scope',
  ),
  refusedRow('empty-scope-refused', { scope: '' }, { scope: undefined }, 'invalid_scope'),
  refusedRow('resource-refused', {}, { resource: undefined }, 'invalid_target'),
  {
    fault: 'form-action',
    async symptom(issuer) {
      const page = await fetch(authorizeUrl(issuer, { client_id: 'nobody' }))
      assert.match(page.headers.get('content-security-policy') ?? '', /; form-action 'self'$/)
    },
    server: 200,
  },
  {
    fault: 'registration-off',
    parameters: { advertised: 'yes' },
    async symptom(issuer) {
      const { body } = await getJson(`${issuer.issuer}/.well-known/oauth-authorization-server`)
      assert.equal(body['registration_endpoint'], `${issuer.issuer}/register`)
      const refused = await register(issuer, native)
      assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_client_metadata'])
    },
    server: 200,
  },
  {
    fault: 'registration-off',
    parameters: { advertised: 'no' },
    async symptom(issuer) {
      const { body } = await getJson(`${issuer.issuer}/.well-known/oauth-authorization-server`)
      assert.ok(!('registration_endpoint' in body) && !('client_id_metadata_document_supported' in body))
      assert.equal((await register(issuer, native)).status, 404)
    },
    server: 200,
  },
  ...policyRows(),
  ...answerRows(),
  {
    fault: 'clients-forgotten',
    async symptom(issuer) {
      const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'doorman-dev' })
      const response = await fetch(`${issuer.issuer}/token`, { method: 'POST', body: form })
      assert.equal(response.status, 401)
      assert.match(await response.text(), /"invalid_client"/)
    },
    server: 200,
  },
]

function policyRows(): readonly FaultRow[] {
  const refusals = [
    { refuses: 'every-host', refused: native, allowed: undefined, status: 403 },
    { refuses: 'unknown-members', refused: { ...native, mcp: true }, allowed: native, status: 400 },
    { refuses: 'scopes', refused: { ...native, scope: 'files:read' }, allowed: native, status: 403 },
  ]
  return refusals.map(({ refuses, refused, allowed, status }): FaultRow => ({
    fault: 'registration-policy',
    parameters: { refuses },
    async symptom(issuer) {
      assert.equal((await register(issuer, refused)).status, status)
      if (allowed !== undefined) assert.equal((await register(issuer, allowed)).status, 201)
    },
    server: 200,
  }))
}

function answerRows(): readonly FaultRow[] {
  const checks: Readonly<Record<string, (body: Readonly<Record<string, unknown>>) => boolean>> = {
    'null-secret': (body) => body['client_secret'] === null,
    'empty-secret': (body) => body['client_secret'] === '',
    'no-redirects': (body) => !('redirect_uris' in body) && 'client_id' in body,
    'no-id': (body) => !('client_id' in body) && 'redirect_uris' in body,
  }
  return Object.entries(checks).map(([is, check]): FaultRow => ({
    fault: 'registration-answer',
    parameters: { is },
    async symptom(issuer) {
      const { status, body } = await register(issuer, native)
      assert.equal(status, 201)
      assert.ok(check(body), JSON.stringify(body))
    },
    server: 200,
  }))
}

assert.equal(redirectUri, 'http://127.0.0.1:49152/callback')
