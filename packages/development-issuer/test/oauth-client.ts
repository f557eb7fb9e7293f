import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import {
  type DevelopmentIssuer,
  type DevelopmentIssuerOptions,
  startDevelopmentIssuer,
} from '@mcp-doorman/development-issuer'
import { type CookieJar, walkLogin } from './walk-login.ts'

export const resource = 'http://127.0.0.1:8080/mcp'
export const files = {
  resource,
  name: 'Notes of the team',
  scopes: ['files:list', 'files:read', 'files:write'],
  defaultScopes: ['files:list', 'files:read'],
}
export const redirectUri = 'http://127.0.0.1:49152/callback'
const verifier = 'a-verifier-of-more-than-forty-three-characters-in-all'
const challenge = createHash('sha256').update(verifier).digest('base64url')

export type Json = Readonly<Record<string, unknown>>
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Json
}

/** An issuer on a free port, closed when the test ends. A 500 anywhere fails the test. */
export async function startIssuer(
  t: TestContext,
  options: Partial<DevelopmentIssuerOptions> = {},
): Promise<DevelopmentIssuer> {
  const failures: Error[] = []
  const issuer = await startDevelopmentIssuer({
    port: 0,
    resources: [files],
    onServerError: (error) => failures.push(error),
    ...options,
  })
  t.after(async () => {
    await issuer.close()
    assert.deepEqual(failures, [])
  })
  return issuer
}

export async function getJson(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return readAnswer(await fetch(url, { headers }))
}

export async function register(issuer: DevelopmentIssuer, metadata: unknown): Promise<Answer> {
  const response = await fetch(`${issuer.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  })
  return readAnswer(response)
}

/** The URL that a client sends the browser to; `undefined` leaves a parameter out. */
export function authorizeUrl(
  issuer: DevelopmentIssuer,
  changes: Readonly<Record<string, string | readonly string[] | undefined>> = {},
): URL {
  const url = new URL(`${issuer.issuer}/authorize`)
  const params = {
    response_type: 'code',
    client_id: 'doorman-dev',
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'a state & more',
    resource,
    ...changes,
  }
  for (const [name, value] of Object.entries(params)) {
    const values: readonly (string | undefined)[] = typeof value === 'object' ? value : [value]
    for (const one of values) if (one !== undefined) url.searchParams.append(name, one)
  }
  return url
}

export interface LoginChanges {
  readonly user?: string
  readonly decision?: 'allow' | 'deny'
  readonly params?: Parameters<typeof authorizeUrl>[1]
  readonly cookies?: CookieJar
}

/** Logs in and answers the consent page; returns where the browser ends. */
export function logIn(issuer: DevelopmentIssuer, changes: LoginChanges = {}): Promise<URL> {
  const user = changes.user ?? 'alice'
  return walkLogin({
    authorizeUrl: authorizeUrl(issuer, changes.params),
    user,
    password: user,
    decision: changes.decision ?? 'allow',
    ...(changes.cookies !== undefined && { cookies: changes.cookies }),
  })
}

export async function getCode(issuer: DevelopmentIssuer, changes: LoginChanges = {}): Promise<string> {
  const back = await logIn(issuer, changes)
  const code = back.searchParams.get('code')
  assert.ok(code !== null, `no code: ${back.search}`)
  return code
}

export async function postForm(
  url: string,
  form: Readonly<Record<string, string | undefined>>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(form)) if (value !== undefined) body.append(name, value)
  return readAnswer(await fetch(url, { method: 'POST', body, headers }))
}

export function redeem(
  issuer: DevelopmentIssuer,
  code: string,
  changes: Readonly<Record<string, string | undefined>> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    client_id: 'doorman-dev',
    code_verifier: verifier,
    ...changes,
  }
  return postForm(`${issuer.issuer}/token`, form, headers)
}

export function refresh(
  issuer: DevelopmentIssuer,
  token: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<Answer> {
  const form = { grant_type: 'refresh_token', refresh_token: token, client_id: 'doorman-dev', ...changes }
  return postForm(`${issuer.issuer}/token`, form)
}

export interface Tokens {
  readonly access: string
  readonly refresh: string
  readonly scope: string
}

/** The tokens of a successful answer. */
export function tokensOf(answer: Answer): Tokens {
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const { access_token: access, refresh_token: refresh, scope } = answer.body
  assert.ok(typeof access === 'string' && typeof refresh === 'string' && typeof scope === 'string')
  return { access, refresh, scope }
}

export async function getTokens(issuer: DevelopmentIssuer, changes: LoginChanges = {}): Promise<Tokens> {
  return tokensOf(await redeem(issuer, await getCode(issuer, changes)))
}

/** What a JWT says; nothing is verified. */
export function decode(token: string): { readonly header: Json; readonly claims: Json } {
  const [header, claims] = token
    .split('.', 2)
    .map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString()))
  assert.ok(typeof header === 'object' && header !== null && typeof claims === 'object' && claims !== null)
  return { header: { ...header }, claims: { ...claims } }
}

async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    document = { text }
  }
  assert.ok(typeof document === 'object' && document !== null)
  return { status: response.status, headers: response.headers, body: { ...document } }
}
