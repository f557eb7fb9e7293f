/** A double of Casdoor that listens, and what people do at its pages. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openCasdoor, type CasdoorData } from '@mcp-doorman/development-issuer'
import { createOutbound, type Outbound } from '@mcp-doorman/outbound'
import type { Lab } from '../end-to-end/doorman-process.ts'

/** What every fresh Casdoor has, and everybody knows. */
export const administrator = { CASDOOR_ADMIN_USER: 'admin', CASDOOR_ADMIN_PASSWORD: '123' }

export type Interference = (request: IncomingMessage, response: ServerResponse) => boolean

export interface CasdoorDouble {
  readonly origin: string
  /** Method and path of every request, without its query. */
  readonly requests: string[]
  /** Answers in place of the double where it returns true. */
  interfere: Interference
  /** Reaches it as the command does. */
  readonly outbound: Outbound
  /** Asks its API, without credentials. */
  get(path: string): Promise<unknown>
}

export async function startDouble(
  lab: Lab,
  data: CasdoorData = {},
  options: { readonly namesItself?: string } = {},
): Promise<CasdoorDouble> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  lab.keep(() => {
    server.close()
    server.closeAllConnections()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // It listens on a socket of TCP.
  const engine = await openCasdoor({ origin: options.namesItself ?? origin, data })
  const outbound = createOutbound({ trustedOrigins: [origin] })
  lab.keep(() => outbound.close())
  const double: CasdoorDouble = {
    origin,
    outbound,
    requests: [],
    interfere: () => false,
    get: async (path) => (await fetch(origin + path)).json(),
  }
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    double.requests.push(`${request.method} ${request.url?.split('?')[0]}`)
    if (!double.interfere(request, response)) engine.handle(request, response)
  })
  return double
}

/**
 * Signs in and allows what is asked for, as a person does in a browser.
 *
 * @returns where the browser is sent back to, and what the page of consent said
 */
export async function signIn(
  authorizeUrl: URL,
  username: string,
  password: string,
): Promise<{ readonly callback: URL; readonly consent: string }> {
  let cookie = ''
  const submit = async (form: Record<string, string>): Promise<Response> => {
    const response = await fetch(authorizeUrl, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { cookie },
      redirect: 'manual',
    })
    cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    return response
  }
  const first = await submit({ action: 'login', username, password })
  const consent = first.status === 200 ? await first.text() : ''
  const last = first.status === 200 ? await submit({ action: 'allow' }) : first
  const location = last.headers.get('location')
  assert.ok(location !== null, `nobody was sent back:\n${consent}\n${await last.text()}`)
  return { callback: new URL(location), consent }
}

export interface Login {
  readonly user: string
  readonly password: string
  readonly application: string
  readonly resource: string
}

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

/** The code flow by hand, for the tokens themselves; for reading files. */
export async function logIn(casdoor: CasdoorDouble, login: Login): Promise<Tokens> {
  const { origin } = casdoor
  const { resource } = login
  const answer = await casdoor.get(`/api/get-application?id=admin/${login.application}`)
  const { clientId } = (answer as { readonly data: { readonly clientId: string } }).data // It was set up before.
  const verifier = randomBytes(32).toString('base64url')
  const redirectUri = 'http://127.0.0.1:9/callback'
  const url = new URL(`${origin}/login/oauth/authorize`)
  url.search = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'files:read',
    state: 'x',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource,
  }).toString()
  const { callback } = await signIn(url, login.user, login.password)
  const response = await fetch(`${origin}/api/login/oauth/access_token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      code_verifier: verifier,
      redirect_uri: redirectUri,
      resource,
      code: callback.searchParams.get('code') ?? '',
    }),
  })
  const tokens = (await response.json()) as Tokens
  assert.equal(typeof tokens.access_token, 'string', JSON.stringify(tokens))
  return tokens
}
