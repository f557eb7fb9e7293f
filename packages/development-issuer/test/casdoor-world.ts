import { randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, request as startRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openCasdoor } from '#internal/casdoor/casdoor'
import type { LogoutDelivery } from '#internal/casdoor/instance'
import type { CasdoorOptions } from '#internal/casdoor/options'
import type { IssuerEngine } from '#internal/engine'
import { origin, passwordOf, provisionedAt, recordedData } from './recorded-instance.ts'

export interface Question {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as what the content type says, a form by default. */
  readonly body?: unknown
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Parsed where it is JSON. */
  readonly body: unknown
}

/** A double that listens, its clock, and what tests do with it again and again. */
export interface World {
  readonly engine: IssuerEngine
  readonly port: number
  now: number
  readonly logouts: LogoutDelivery[]
  ask(question: Question): Promise<Reply>
  /** Asks as the application of the instance, which may do everything. */
  administer(path: string, body?: object): Promise<Reply>
  close(): Promise<void>
}

export interface WorldOptions extends Omit<CasdoorOptions, 'origin'> {
  /** The issuer is taken from the host of each request. */
  readonly withoutOrigin?: boolean
}

export async function openWorld({ withoutOrigin, ...options }: WorldOptions = {}): Promise<World> {
  const logouts: LogoutDelivery[] = []
  let now = provisionedAt
  const errors: Error[] = []
  const engine = await openCasdoor({
    ...(withoutOrigin !== true && { origin }),
    data: recordedData,
    nowSeconds: () => now,
    deliverLogoutToken: (delivery) => logouts.push(delivery),
    onServerError: (error) => errors.push(error),
    ...options,
  })
  const server = createServer((request, response) => engine.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref() // A test that fails before it closes its world does not keep the process.
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo
  let basic: string | undefined
  const ask = async (question: Question): Promise<Reply> => {
    const reply = await send(port, question)
    const [error] = errors.splice(0)
    if (error !== undefined) throw error
    return reply
  }
  const world: World = {
    engine,
    port,
    logouts,
    get now() {
      return now
    },
    set now(seconds) {
      now = seconds
    },
    ask,
    administer: async (path, body) => {
      basic ??= await readAdministrator(ask)
      const headers = { authorization: basic, 'content-type': 'application/json' }
      return ask({ path: `/api/${path}`, headers, ...(body !== undefined && { method: 'POST', body }) })
    },
    close: () => closeServer(server),
  }
  return world
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Signs in as the administrator, and reads the secret of the instance's own application, as a person would. */
async function readAdministrator(ask: World['ask']): Promise<string> {
  const cookie = await administratorSession({ ask })
  const found = await ask({ path: '/api/get-application?id=admin/app-built-in', headers: { cookie } })
  const { data } = found.body as { data: { clientId: string; clientSecret: string } }
  return basicOf(data.clientId, data.clientSecret)
}

export function basicOf(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

export function cookieOf({ headers }: Reply): string {
  const cookie = headers['set-cookie']?.find((text) => text.startsWith('casdoor_session_id='))
  return cookie?.split(';', 1)[0] ?? ''
}

function send(port: number, { method = 'GET', path, headers = {}, body }: Question): Promise<Reply> {
  const isJson = (headers['content-type'] ?? '').includes('json')
  const text =
    body === undefined || typeof body === 'string'
      ? (body ?? '')
      : isJson
        ? JSON.stringify(body)
        : new URLSearchParams(body as Record<string, string>).toString()
  const isForm = typeof body === 'object' && !isJson
  return new Promise((resolve, reject) => {
    const request = startRequest(
      {
        port,
        method,
        path,
        host: '127.0.0.1',
        agent: false,
        headers: {
          ...(isForm && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...(text !== '' && { 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const received = Buffer.concat(chunks).toString()
          const type = response.headers['content-type'] ?? ''
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: type.includes('json') && received !== '' ? JSON.parse(received) : received,
          })
        })
      },
    )
    request.on('error', reject)
    request.end(text)
  })
}

/** The pair of RFC 7636 appendix B, which every recorded request uses. */
export const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

export interface LoginFacts {
  readonly application: string
  readonly user?: string
  readonly scope?: string
  readonly resource?: string
  readonly nonce?: string
  /** Without a challenge where it is empty. */
  readonly codeChallenge?: string
  readonly clientId?: string
}

/** Signs in as Casdoor's page does. */
export function login(world: World, facts: LoginFacts): Promise<Reply> {
  const { application, user = 'alice', scope = 'files:read', codeChallenge = challenge } = facts
  const query = new URLSearchParams({
    clientId: facts.clientId ?? `client-${application}`,
    responseType: 'code',
    redirectUri: 'https://client.example/cb',
    type: 'code',
    scope,
    state: randomBytes(4).toString('hex'),
    nonce: facts.nonce ?? 'n0nce',
    ...(codeChallenge !== '' && { code_challenge_method: 'S256', code_challenge: codeChallenge }),
    ...(facts.resource !== undefined && { resource: facts.resource }),
  })
  return signIn(world, { application, user, type: 'code' }, query)
}

export interface SignIn {
  readonly application: string
  readonly user: string
  /** Default: the one that the recorded people have. */
  readonly password?: string
  /** Default: acme. */
  readonly organization?: string
  /** What is wanted for it. Default: a session. */
  readonly type?: string
  readonly userCode?: string
}

/** Sends a name and a password to the interface. */
export function signIn(
  { ask }: Pick<World, 'ask'>,
  { user, password = passwordOf(user), organization = 'acme', type = 'login', ...others }: SignIn,
  query?: URLSearchParams,
): Promise<Reply> {
  return ask({
    method: 'POST',
    path: query === undefined ? '/api/login' : `/api/login?${query}`,
    headers: { 'content-type': 'application/json' },
    body: {
      organization,
      username: user,
      password,
      signinMethod: 'Password',
      autoSignin: true,
      type,
      ...others,
    },
  })
}

export async function codeFor(world: World, facts: LoginFacts): Promise<string> {
  const { body } = await login(world, facts)
  const { data, msg } = body as { data: unknown; msg: string }
  if (typeof data !== 'string' || data === '') throw new Error(`no code: ${msg} ${JSON.stringify(data)}`)
  return data
}

export interface Tokens {
  readonly access_token: string
  readonly id_token: string
  readonly refresh_token: string
  readonly token_type: string
  readonly expires_in: number
  readonly scope: string
}

export async function tokensFor(world: World, facts: LoginFacts): Promise<Tokens> {
  const code = await codeFor(world, facts)
  const reply = await world.ask({
    method: 'POST',
    path: '/api/login/oauth/access_token',
    body: {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      client_id: facts.clientId ?? `client-${facts.application}`,
      ...(facts.resource !== undefined && { resource: facts.resource }),
    },
  })
  if (reply.status !== 200) throw new Error(`no tokens: ${JSON.stringify(reply.body)}`)
  return reply.body as Tokens
}

/** A session of Casdoor's own, as a cookie. */
export async function sessionOf(world: World, user: string, application = 'mcp-auto'): Promise<string> {
  return cookieOf(await signIn(world, { application, user }))
}

/** A session of the administrator that every instance has. */
export async function administratorSession(world: Pick<World, 'ask'>): Promise<string> {
  const administrator = { user: 'admin', password: '123', organization: 'built-in' }
  return cookieOf(await signIn(world, { application: 'app-built-in', ...administrator }))
}
