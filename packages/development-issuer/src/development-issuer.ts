import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createStateFolder, type KnownClient } from '@mcp-doorman/authorization-server'
import type { IssuerEngine } from './engine.ts'
import { engines } from './engines.ts'
import { answerFaultsRequest } from './faults/faults-endpoint.ts'
import { createFaultsPage } from './faults/faults-page.ts'
import { createFaults, type FaultBoard, type Faults } from './faults/faults.ts'
import { interceptEngine } from './interception/intercepted-engine.ts'
import { refuseSharedFolder, removeIssuerFile, writeIssuerFile } from './issuer-file.ts'
import { openListener } from './listener.ts'
import { type DevelopmentIssuerOptions, type DevelopmentIssuerSettings, readOptions } from './options.ts'
import { answerTokenRequest } from './token-endpoint.ts'
import type { DevelopmentUser } from './users.ts'

/** A running development issuer. */
export interface DevelopmentIssuer {
  /** The issuer identifier, as its metadata and tokens have it. */
  readonly issuer: string
  readonly port: number
  /** Who can log in, with passwords, to be shown. */
  readonly users: readonly DevelopmentUser[]
  /** Opens `POST {issuer}/development/token`; the same as in `issuer.json`. */
  readonly secret: string
  /** Makes it misbehave, and behave again. */
  readonly faults: Faults
  /** An access token without a login, signed like any other; faults that are on change it too. */
  issueToken(wish: TokenWish): Promise<string>
  /** A new key signs from now on; tokens signed before stay verifiable. */
  rotateKeys(): Promise<void>
  /** Another key takes the `kid` of the one that signs; tokens signed before fail. */
  replaceKeyUnderSameId(): Promise<void>
  /** Ends every connection, also those in the middle of an answer, and resolves when the port is free. */
  close(): Promise<void>
}

/** What a token without a login is to say. */
export interface TokenWish {
  /** The name of a user. */
  readonly user: string
  /** Each a scope of the resource; at least one. */
  readonly scopes: readonly string[]
  /** @defaultValue the only one there is */
  readonly resource?: string
  /** @defaultValue `doorman-dev` */
  readonly clientId?: string
  /** Seconds, from 1. @defaultValue the lifetime of access tokens */
  readonly seconds?: number
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
 * Starts an issuer for development and tests on loopback: local users, a login page, a consent page, everything that
 * MCP clients need of an authorization server, and faults on demand.
 *
 * Everything is in memory unless `state` names a folder. Many may run in one process.
 *
 * @throws {Error} with NODE_ENV=production, on an address that others can reach without `allowNonLoopback`, and when
 * the port is taken
 * @throws {TypeError} that lists every mistake in the options
 */
export async function startDevelopmentIssuer(options: DevelopmentIssuerOptions): Promise<DevelopmentIssuer> {
  const settings = readOptions(options)
  const { host, port, users } = settings
  const listener = await openListener(host, port)
  const address = settings.issuer ?? `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`
  const engine = await openEngine(settings, address).catch(async (error: unknown) => {
    await listener.close()
    throw error
  })

  const secret = randomBytes(32).toString('base64url')
  const faults = createFaults(engine, settings.seed, () => Math.floor(Date.now() / 1000))
  const faulty = interceptEngine(engine, faults.interceptors, settings.onServerError)
  const [onlyResource, ...others] = settings.resources
  const defaultResource = others.length === 0 ? onlyResource?.resource : undefined
  const parts = { engine: faulty, faults, secret, defaultResource }
  listener.answer(createAnswer(parts, new URL(address).pathname.replace(/\/$/, ''), settings.onServerError))

  async function close(): Promise<void> {
    faults.clear()
    await listener.close()
    engine.close()
    if (settings.stateFolder !== undefined) removeIssuerFile(settings.stateFolder, secret)
  }
  try {
    const file = { issuer: engine.issuer, pid: process.pid, secret }
    if (settings.stateFolder !== undefined) writeIssuerFile(settings.stateFolder, file)
  } catch (error) {
    await close()
    throw error
  }

  return {
    issuer: engine.issuer,
    port: listener.port,
    users,
    secret,
    faults,
    async issueToken({ user, scopes, resource = defaultResource, clientId, seconds }) {
      if (resource === undefined)
        throw new TypeError('There are several resources: say which one the token is for.')
      const minted = await faulty.mintAccessToken({
        subject: user,
        clientId: clientId ?? developmentClient.clientId,
        resource,
        scopes,
        ...(seconds !== undefined && { seconds }),
      })
      if (!minted.ok) throw new TypeError(`No token is issued: ${minted.problem}.`)
      return minted.accessToken
    },
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

interface AnswerParts {
  readonly engine: IssuerEngine
  readonly faults: FaultBoard
  readonly secret: string
  readonly defaultResource: string | undefined
}

/** What is for the operator is answered here, so that no fault can take it away; the rest by the engine. */
function createAnswer(
  { engine, faults, secret, defaultResource }: AnswerParts,
  base: string,
  onServerError: (error: Error) => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  const tokenParts = { engine, secret, clientId: developmentClient.clientId, defaultResource }
  const places: Readonly<
    Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>
  > = {
    [`${base}/development/token`]: (request, response) => answerTokenRequest(tokenParts, request, response),
    [`${base}/development/faults`]: (request, response) =>
      answerFaultsRequest(faults, secret, request, response),
    [`${base}/faults`]: createFaultsPage(faults, `${base}/faults`),
  }
  return (request, response) => {
    const path = request.url ?? '/'
    const place = Object.hasOwn(places, path) ? places[path] : undefined
    if (place === undefined) return engine.handle(request, response)
    place(request, response).catch((error: unknown) => {
      onServerError(error instanceof Error ? error : new Error(String(error)))
      response.destroy()
    })
  }
}
