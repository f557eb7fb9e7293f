/** The double of Casdoor behind a socket, with an application that Doorman can be told to trust. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openCasdoor, type IssuerEngine } from '@mcp-doorman/development-issuer'
import type { Lab } from './doorman-process.ts'
import type { Json } from './mcp-wire.ts'

export const application = 'mcp-notes'
export const clientId = '0f4fd1f7a3c3b1d2e9a1'
/** Of the application `rs`, which may ask about tokens, and do everything else as well. */
export const askingSecret = 'asking-secret'
export const redirectUri = 'https://client.example/cb'

export interface CasdoorDouble {
  readonly issuer: string
  readonly engine: IssuerEngine
  /** Signs claims as an access token of alice, changed as asked for; nobody logged in for it. */
  readonly sign: (claims: Json, header?: Json) => Promise<string>
}

const scopes = ['files:list', 'files:read', 'files:write'].map((name) => ({
  name,
  displayName: name,
  description: '',
  tools: [],
}))

const organization = 'acme'
const common = {
  organization,
  grantTypes: ['authorization_code', 'refresh_token'],
  redirectUris: [redirectUri],
  enablePassword: true,
  tokenFormat: 'JWT-Custom',
  tokenSigningMethod: 'RS256',
  tokenFields: ['Owner', 'Name', 'permissionNames'],
  expireInHours: 1,
  refreshExpireInHours: 24,
  scopes,
}

export async function startCasdoor(lab: Lab): Promise<CasdoorDouble> {
  let answer: RequestListener = (_request, response) => void response.writeHead(503).end()
  const server = createServer((request, response) => answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  lab.keep(() => {
    server.closeAllConnections()
    server.close()
  })
  // It listens on a TCP port.
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const x509 = { scope: 'JWT', type: 'x509', cryptoAlgorithm: 'RS256', bitSize: 2048 }
  const engine = await openCasdoor({
    origin: issuer,
    application,
    data: {
      organizations: [{ name: organization, passwordType: 'bcrypt', defaultTokenFormat: 'JWT-Custom' }],
      certs: [{ name: 'cert-notes', ...x509 }],
      applications: [
        { ...common, name: application, cert: 'cert-notes', clientId },
        // The same key and organization, and another client.
        { ...common, name: 'mcp-other', cert: 'cert-notes', clientId: 'client-other' },
        // Asks about tokens: of the same cert, and of a format that reads all but one.
        { ...common, name: 'rs', cert: 'cert-notes', clientId: 'rs', clientSecret: askingSecret },
      ],
      users: [{ owner: organization, name: 'alice', password: 'alice' }],
    },
  })
  answer = (request, response) => engine.handle(request, response)
  return { issuer, engine, sign: (claims, header) => signAs(engine, claims, header) }
}

function signAs(engine: IssuerEngine, claims: Json, header: Json = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const usual = {
    iss: engine.issuer,
    sub: 'db8fa0ff-31c8-4bd3-ac7c-44b4fb42f1e2',
    azp: clientId,
    iat: now,
    nbf: now,
    exp: now + 300,
    jti: 'admin/7bba5a3c-b407-4a57-a51e-b898af9d1e70',
    owner: organization,
    name: 'alice',
    permissionNames: [],
    scope: 'files:read files:list',
    tokenType: 'access-token',
  }
  return engine.sign({ ...usual, ...claims }, header)
}

/** Forbids alice, as an administrator does. */
export async function forbidAlice({ issuer }: CasdoorDouble): Promise<void> {
  const authorization = `Basic ${Buffer.from(`rs:${askingSecret}`).toString('base64')}`
  const read = await fetch(`${issuer}/api/get-user?id=acme/alice`, { headers: { authorization } })
  const { data } = (await read.json()) as { data: object }
  await fetch(`${issuer}/api/update-user?id=acme/alice`, {
    method: 'POST',
    headers: { authorization },
    body: JSON.stringify({ ...data, isForbidden: true }),
  })
}

const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

export interface CasdoorTokens {
  readonly access_token: string
  readonly refresh_token: string
}

/** Logs alice in as Casdoor's own page does, and exchanges the code. */
export async function logIn(
  { issuer }: CasdoorDouble,
  { resource, client = clientId, name = application }: LoginFacts,
): Promise<CasdoorTokens> {
  const query = new URLSearchParams({
    clientId: client,
    responseType: 'code',
    redirectUri,
    type: 'code',
    scope: 'files:list files:read',
    state: 'state',
    code_challenge_method: 'S256',
    code_challenge: challenge,
    ...(resource !== undefined && { resource }),
  })
  const login = await fetch(`${issuer}/api/login?${query}`, {
    method: 'POST',
    body: JSON.stringify({
      application: name,
      organization,
      username: 'alice',
      password: 'alice',
      type: 'code',
    }),
  })
  const { data: code } = (await login.json()) as { data: string }
  const exchanged = await fetch(`${issuer}/api/login/oauth/access_token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: client,
      code,
      code_verifier: verifier,
      ...(resource !== undefined && { resource }),
    }),
  })
  return (await exchanged.json()) as CasdoorTokens
}

export interface LoginFacts {
  readonly resource?: string
  readonly client?: string
  readonly name?: string
}
