import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createStateFolder, type KnownClient } from '@mcp-doorman/authorization-server'
import type { IssuerEngine } from './engine.ts'
import { engines } from './engines.ts'
import { refuseSharedFolder, removeIssuerFile, writeIssuerFile } from './issuer-file.ts'
import { type DevelopmentIssuerOptions, type DevelopmentIssuerSettings, readOptions } from './options.ts'
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

/**
 * Starts an issuer for development on loopback: local users, a login page, a consent page, and everything that MCP
 * clients need of an authorization server.
 *
 * @throws {Error} with NODE_ENV=production, on an address that others can reach without `allowNonLoopback`, and when
 * the port is taken
 * @throws {TypeError} that lists every mistake in the options
 */
export async function startDevelopmentIssuer(options: DevelopmentIssuerOptions): Promise<DevelopmentIssuer> {
  const settings = readOptions(options)
  const { host, port, users } = settings
  let answer = (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(503, { 'retry-after': '1' }).end() // The port is known before the issuer is ready.
  }
  const timeLimits = { requestTimeout: 20_000, headersTimeout: 10_000, connectionsCheckingInterval: 2000 }
  const listener = createServer(timeLimits, (request, response) => answer(request, response))
  listener.maxConnections = 1000
  const boundPort = await listen(listener, host, port)
  const issuer = settings.issuer ?? `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`

  const secret = randomBytes(32).toString('base64url')
  const engine = await openEngine(settings, issuer).catch(async (error: unknown) => {
    await closeListener(listener)
    throw error
  })

  const tokenPath = `${new URL(issuer).pathname.replace(/\/$/, '')}/development/token`
  const [onlyResource, ...others] = settings.resources
  const parts = {
    engine,
    secret,
    clientId: developmentClient.clientId,
    defaultResource: others.length === 0 ? onlyResource?.resource : undefined,
  }
  answer = (request, response) => {
    if (request.url !== tokenPath) return engine.handle(request, response)
    answerTokenRequest(parts, request, response).catch((error: unknown) => {
      settings.onServerError(error instanceof Error ? error : new Error(String(error)))
      response.destroy()
    })
  }

  async function close(): Promise<void> {
    await closeListener(listener)
    engine.close()
    if (settings.stateFolder !== undefined) removeIssuerFile(settings.stateFolder, secret)
  }
  try {
    if (settings.stateFolder !== undefined)
      writeIssuerFile(settings.stateFolder, { issuer, pid: process.pid, secret })
  } catch (error) {
    await close()
    throw error
  }

  return {
    issuer,
    port: boundPort,
    users,
    secret,
    rotateKeys: () => engine.rotateKeys(),
    replaceKeyUnderSameId: () => engine.replaceKeyUnderSameId(),
    close,
  }
}

async function openEngine(settings: DevelopmentIssuerSettings, issuer: string): Promise<IssuerEngine> {
  const { stateFolder } = settings
  if (stateFolder !== undefined) {
    refuseSharedFolder(stateFolder)
    createStateFolder(stateFolder)
  }
  return engines[settings.like]({
    ...settings,
    issuer,
    clients: [developmentClient, ...settings.clients],
  })
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
