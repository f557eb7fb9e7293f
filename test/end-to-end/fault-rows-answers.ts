/** Faults of any endpoint, and of the metadata. */
import assert from 'node:assert/strict'
import type { DevelopmentIssuer } from '@mcp-doorman/development-issuer'
import { authorizeUrl, getJson } from '../../packages/development-issuer/test/oauth-client.ts'
import type { FaultRow } from './fault-world.ts'

export type Endpoint = keyof typeof requests

/** One harmless request to each endpoint. */
const requests = {
  discovery: () => ['/.well-known/oauth-authorization-server', {}],
  jwks: () => ['/jwks', {}],
  authorization: (issuer) => [authorizeUrl(issuer).href, {}],
  token: () => [
    '/token',
    form({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'doorman-dev' }),
  ],
  registration: () => [
    '/register',
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['http://127.0.0.1/callback'],
        token_endpoint_auth_method: 'none',
      }),
    },
  ],
  introspection: () => ['/introspect', form({ token: 'x', client_id: 'doorman-dev' })],
  revocation: () => ['/revoke', form({ token: 'x', client_id: 'doorman-dev' })],
} as const satisfies Readonly<
  Record<string, (issuer: DevelopmentIssuer) => readonly [url: string, init: RequestInit]>
>

function form(fields: Readonly<Record<string, string>>): RequestInit {
  return { method: 'POST', body: new URLSearchParams(fields) }
}

export function ask(
  issuer: DevelopmentIssuer,
  endpoint: Endpoint,
  init: RequestInit = {},
): Promise<Response> {
  const [url, usual] = requests[endpoint](issuer)
  return fetch(new URL(url, issuer.issuer), { ...usual, redirect: 'manual', ...init })
}

const endpoints = Object.keys(requests) as Endpoint[] // Its type is that of their names.

/** What a protected server needs to know a token is from discovery, keys and, where it asks, introspection. */
function concern(at: Endpoint): Pick<FaultRow, 'server' | 'introspecting'> {
  if (at === 'introspection') return { server: 503, introspecting: true }
  return { server: at === 'discovery' || at === 'jwks' ? 503 : 200 }
}

const strikes: readonly ((at: Endpoint) => FaultRow)[] = [
  (at) => ({
    fault: 'hanging',
    parameters: { at: [at] },
    symptom: (issuer) =>
      assert.rejects(ask(issuer, at, { signal: AbortSignal.timeout(100) }), /timeout|aborted/),
    ...concern(at),
  }),
  (at) => ({
    fault: 'slow',
    parameters: { at: [at], seconds: 2 },
    symptom: (issuer) =>
      assert.rejects(ask(issuer, at, { signal: AbortSignal.timeout(100) }), /timeout|aborted/),
    ...concern(at),
  }),
  (at) => ({
    fault: 'server-error',
    parameters: { at: [at], status: 503 },
    async symptom(issuer) {
      const { status, headers } = await ask(issuer, at)
      assert.equal(status, 503)
      assert.equal(headers.get('retry-after'), '1')
    },
    ...concern(at),
  }),
  (at) => ({
    fault: 'html',
    parameters: { at: [at] },
    async symptom(issuer) {
      const response = await ask(issuer, at)
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-type') ?? '', /text\/html/)
      assert.match(await response.text(), /<title>Sign in/)
    },
    ...concern(at),
  }),
  (at) => ({
    fault: 'empty',
    parameters: { at: [at] },
    async symptom(issuer) {
      const response = await ask(issuer, at)
      assert.equal(await response.text(), '')
      assert.ok(![404, 500].includes(response.status), 'it did what it was asked')
    },
    ...concern(at),
  }),
  (at) => ({
    fault: 'huge',
    parameters: { at: [at], mebibytes: 4 },
    async symptom(issuer) {
      const body = await (await ask(issuer, at)).bytes()
      assert.ok(body.length >= 4 * 2 ** 20, String(body.length))
    },
    ...concern(at),
  }),
  (at) => ({
    fault: 'redirecting',
    parameters: { at: [at], to: 'http://127.0.0.1:1/inside' },
    async symptom(issuer) {
      const { status, headers } = await ask(issuer, at)
      assert.equal(status, 302)
      assert.equal(headers.get('location'), 'http://127.0.0.1:1/inside')
    },
    ...concern(at),
  }),
  (at) => ({
    fault: 'cut',
    parameters: { at: [at] },
    async symptom(issuer) {
      const { status, headers, text } = await readHead(ask(issuer, at))
      assert.ok(status > 0 && Number(headers.get('content-length')) > 0)
      await assert.rejects(text)
    },
    ...concern(at),
  }),
]

async function readHead(
  asked: Promise<Response>,
): Promise<{ status: number; headers: Headers; text: () => Promise<string> }> {
  const response = await asked
  return { status: response.status, headers: response.headers, text: () => response.text() }
}

async function metadata(issuer: DevelopmentIssuer): Promise<Readonly<Record<string, unknown>>> {
  return (await getJson(`${issuer.issuer}/.well-known/oauth-authorization-server`)).body
}

const otherRows: readonly FaultRow[] = [
  {
    fault: 'html',
    parameters: { at: ['registration'], status: '403' },
    async symptom(issuer) {
      const response = await ask(issuer, 'registration')
      assert.equal(response.status, 403)
      assert.match(await response.text(), /^<!doctype html>/)
    },
    server: 200,
  },
  ...(['slash', 'scheme', 'other'] as const).map((is): FaultRow => ({
    fault: 'metadata-issuer',
    parameters: { is },
    async symptom(issuer) {
      const named = {
        slash: `${issuer.issuer}/`,
        scheme: issuer.issuer.replace('http', 'https'),
        other: 'https://other.example.com',
      }
      assert.equal((await metadata(issuer))['issuer'], named[is])
    },
    server: 503,
  })),
  {
    fault: 'metadata-pkce',
    parameters: { is: 'missing' },
    symptom: async (issuer) => assert.ok(!('code_challenge_methods_supported' in (await metadata(issuer)))),
    server: 200,
  },
  {
    fault: 'metadata-pkce',
    parameters: { is: 'plain' },
    symptom: async (issuer) =>
      assert.deepEqual((await metadata(issuer))['code_challenge_methods_supported'], ['plain']),
    server: 200,
  },
  {
    fault: 'metadata-incomplete',
    parameters: { is: 'nulls' },
    symptom: async (issuer) => assert.equal((await metadata(issuer))['registration_endpoint'], null),
    server: 200,
  },
  {
    fault: 'metadata-incomplete',
    parameters: { is: 'response-types' },
    symptom: async (issuer) => assert.ok(!('response_types_supported' in (await metadata(issuer)))),
    server: 200,
  },
  {
    fault: 'metadata-incomplete',
    parameters: { is: 'jwks' },
    symptom: async (issuer) => assert.ok(!('jwks_uri' in (await metadata(issuer)))),
    server: 503,
  },
  {
    fault: 'metadata-auth-methods',
    symptom: async (issuer) =>
      assert.deepEqual((await metadata(issuer))['token_endpoint_auth_methods_supported'], [
        'client_secret_basic',
        'client_secret_post',
      ]),
    server: 200,
  },
  {
    fault: 'metadata-scopes',
    parameters: { count: 150 },
    async symptom(issuer) {
      const scopes = (await metadata(issuer))['scopes_supported']
      assert.ok(Array.isArray(scopes) && scopes.length === 154 && scopes.includes('files:read'))
    },
    server: 200,
  },
  {
    fault: 'metadata-type',
    async symptom(issuer) {
      const { headers } = await ask(issuer, 'discovery')
      assert.equal(headers.get('content-type'), 'text/plain; charset=utf-8')
    },
    server: 200,
  },
  {
    fault: 'cors-refused',
    async symptom(issuer) {
      const origin = { headers: { origin: 'https://inspector.example' } }
      assert.equal((await ask(issuer, 'jwks', origin)).headers.get('access-control-allow-origin'), null)
      assert.equal(
        (await ask(issuer, 'registration', { ...origin, method: 'OPTIONS', body: null })).status,
        403,
      )
    },
    server: 200,
  },
  {
    fault: 'random',
    parameters: { rate: 1, at: ['token'], seconds: 0.01 },
    async symptom(issuer) {
      const ends = new Set<string>()
      for (let count = 0; count < 40; count += 1) ends.add(await endOf(ask(issuer, 'token')))
      assert.deepEqual([...ends].toSorted(), ['200 page', '400 JSON', '400 nothing', '500 JSON', 'cut'])
    },
    server: 200,
  },
]

/** How a request ends, in a word or two. */
export async function endOf(asked: Promise<Response>): Promise<string> {
  const response = await asked
  try {
    const text = await response.text()
    const kind = text === '' ? 'nothing' : text.startsWith('<') ? 'page' : 'JSON'
    return `${response.status} ${kind}`
  } catch {
    return 'cut'
  }
}

export const answerRows: readonly FaultRow[] = [
  ...strikes.flatMap((strike) => endpoints.map(strike)),
  ...otherRows,
]
