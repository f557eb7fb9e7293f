import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type AuthorizationServer,
  type KnownClient,
  openAuthorizationServer,
  type ProtectedResourceOptions,
} from '@mcp-doorman/authorization-server'
import { refuseSharedFolder, removeIssuerFile, writeIssuerFile } from './issuer-file.ts'
import { createPasswordLogin } from './login-page.ts'
import { type DevelopmentIssuerOptions, readOptions } from './options.ts'
import { answerTokenRequest } from './token-endpoint.ts'
import type { DevelopmentUser } from './users.ts'

/** A running development issuer. */
export interface DevelopmentIssuer {
  readonly issuer: string
  readonly port: number
  /** Who can log in, with passwords, to be shown. */
  readonly users: readonly DevelopmentUser[]
  /** Opens `POST {issuer}/development/token`; the same as in `issuer.json`. */
  readonly secret: string
  /** A new key signs from now on; tokens signed before stay verifiable. */
  rotateKeys(): Promise<void>
  /** Another key takes the `kid` of the one that signs; tokens signed before fail. */
  replaceKeyUnderSameId(): Promise<void>
  /** Ends every connection, also those in the middle of an answer, and resolves when the port is free. */
  close(): Promise<void>
}

/** The client that everybody may use, from a loopback redirect on any port. */
const developmentClient: KnownClient = {
  clientId: 'doorman-dev',
  name: 'Doorman development client',
  redirectUris: ['/callback', '/oauth/callback', '/'].flatMap((path) =>
    ['127.0.0.1', 'localhost', '[::1]'].map((host) => `http://${host}${path}`),
  ),
}

const filesScopeDescriptions: Readonly<Record<string, string>> = {
  'files:list': 'See the names of files and folders',
  'files:read': 'Read files',
  'files:write': 'Create and change files',
}

/**
 * Starts an issuer for development on loopback: local users, a login page, a consent page, and everything that MCP
 * clients need of an authorization server.
 *
 * @throws {Error} with NODE_ENV=production, on an address that others can reach without `allowNonLoopback`, and when
 * the port is taken
 * @throws {TypeError} that lists every mistake in the options
 */
export async function startDevelopmentIssuer(options: DevelopmentIssuerOptions): Promise<DevelopmentIssuer> {
  const { host, port, users } = readOptions(options)
  let answer = (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(503, { 'retry-after': '1' }).end() // The port is known before the issuer is ready.
  }
  const timeLimits = { requestTimeout: 20_000, headersTimeout: 10_000, connectionsCheckingInterval: 2000 }
  const listener = createServer(timeLimits, (request, response) => answer(request, response))
  listener.maxConnections = 1000
  const boundPort = await listen(listener, host, port)
  const issuer = options.issuer ?? `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`

  const secret = randomBytes(32).toString('base64url')
  const server = await openServer(options, issuer, users).catch(async (error: unknown) => {
    await closeListener(listener)
    throw error
  })

  const tokenPath = `${new URL(issuer).pathname.replace(/\/$/, '')}/development/token`
  const [onlyResource, ...others] = options.resources
  const parts = {
    server,
    secret,
    clientId: developmentClient.clientId,
    defaultResource: others.length === 0 ? onlyResource?.resource : undefined,
  }
  answer = (request, response) => {
    if (request.url !== tokenPath) return server.handle(request, response)
    answerTokenRequest(parts, request, response).catch((error: unknown) => {
      options.onServerError?.(error instanceof Error ? error : new Error(String(error)))
      response.destroy()
    })
  }

  async function close(): Promise<void> {
    await closeListener(listener)
    server.close()
    if (options.state !== undefined) removeIssuerFile(options.state, secret)
  }
  try {
    if (options.state !== undefined) writeIssuerFile(options.state, { issuer, pid: process.pid, secret })
  } catch (error) {
    await close()
    throw error
  }

  return {
    issuer,
    port: boundPort,
    users,
    secret,
    rotateKeys: () => server.rotateKeys(),
    replaceKeyUnderSameId: () => server.replaceKeyUnderSameId(),
    close,
  }
}

async function openServer(
  options: DevelopmentIssuerOptions,
  issuer: string,
  users: readonly DevelopmentUser[],
): Promise<AuthorizationServer> {
  if (options.state !== undefined) refuseSharedFolder(options.state)
  const { state, autoConsent, accessTokenSeconds, clientDocuments, redirects, registration, nowSeconds } =
    options
  const [firstUser] = users
  return openAuthorizationServer({
    issuer,
    resources: options.resources.map(describeFilesScopes),
    login: createPasswordLogin(users),
    clients: [developmentClient, ...(options.clients ?? [])],
    ...(state !== undefined && { stateFolder: state }),
    ...(autoConsent === true && firstUser !== undefined && { unattendedSubject: firstUser.name }),
    ...(accessTokenSeconds !== undefined && { lifetimes: { accessTokenSeconds } }),
    ...(clientDocuments !== undefined && { clientDocuments }),
    ...(redirects !== undefined && { redirects }),
    ...(registration !== undefined && { registration }),
    ...(nowSeconds !== undefined && { nowSeconds }),
    ...(options.onServerError !== undefined && { onServerError: options.onServerError }),
  })
}

function describeFilesScopes(resource: ProtectedResourceOptions): ProtectedResourceOptions {
  return { ...resource, scopeDescriptions: { ...filesScopeDescriptions, ...resource.scopeDescriptions } }
}

function listen(listener: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', (error: NodeJS.ErrnoException) => reject(explainListenError(error, host, port)))
    listener.listen(port, host, () => {
      // A server that listens on a TCP port has such an address.
      resolve((listener.address() as AddressInfo).port)
    })
  })
}

function explainListenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new Error(
      `Port ${port} on ${host} is taken by another program. Stop it, or choose another port (0 takes any free one).`,
      { cause: error },
    )
  }
  if (error.code === 'EACCES') {
    return new Error(`Port ${port} needs more rights than this process has. Choose a port above 1023.`, {
      cause: error,
    })
  }
  return new Error(`Cannot listen on ${host} port ${port}: ${error.code ?? error.message}.`, { cause: error })
}

async function closeListener(listener: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
  listener.closeAllConnections()
  await closed
}
