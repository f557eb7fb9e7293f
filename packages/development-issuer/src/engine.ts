import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  AuthorizationServerOptions,
  Endpoint,
  KnownClient,
  MintAnswer,
  MintRequest,
  ProtectedResourceOptions,
} from '@mcp-doorman/authorization-server'
import type { DevelopmentUser } from './users.ts'

/**
 * What answers behind the socket of a development issuer: an authorization server of one kind or another.
 *
 * It opens no socket and knows nothing of faults: those stand before it, and use what it offers here.
 */
export interface IssuerEngine {
  readonly issuer: string
  /** Answers a request of node:http. Never throws, never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Which endpoint a request URL (path, with or without a query) belongs to; undefined for pages and unknown paths. */
  endpointOf(url: string): Endpoint | undefined
  /**
   * Signs claims as they are, the way this engine signs access tokens; `header` adds to the protected header or replaces
   * in it. What it makes is remembered nowhere.
   */
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
  /** Issues an access token without a login, introspectable like any other. */
  mintAccessToken(request: MintRequest): Promise<MintAnswer>
  /** What a client may be called back at, as it registered; undefined when there is no such client. */
  findRedirectUris(clientId: string): Promise<readonly string[] | undefined>
  /** A new key signs from now on; whether tokens signed before stay verifiable is the engine's manner. */
  rotateKeys(): Promise<void>
  /** Another key takes the `kid` of the one that signs; tokens signed before fail. */
  replaceKeyUnderSameId(): Promise<void>
  /** Closes files and outbound connections. May be called again. */
  close(): void
}

/** What every engine is opened with: options of the development issuer, checked and complete. */
export interface EngineSettings {
  readonly issuer: string
  readonly resources: readonly ProtectedResourceOptions[]
  /** At least one. */
  readonly users: readonly DevelopmentUser[]
  /** `doorman-dev` first. */
  readonly clients: readonly KnownClient[]
  /** For files; undefined keeps everything in memory. It exists, and belongs to this issuer alone. */
  readonly stateFolder: string | undefined
  readonly accessTokenSeconds: number
  /** Every request is logged in as this user, without a page. */
  readonly autoLogin: DevelopmentUser | undefined
  /** Whoever is logged in allows all that they may, without a page. */
  readonly autoConsent: boolean
  readonly clientDocuments: AuthorizationServerOptions['clientDocuments']
  readonly redirects: AuthorizationServerOptions['redirects']
  readonly registration: AuthorizationServerOptions['registration']
  readonly nowSeconds: (() => number) | undefined
  /** Told of every answer with status 500. */
  readonly onServerError: (error: Error) => void
}

/** Opens an engine; it answers for one issuer and is closed once. */
export type OpenEngine = (settings: EngineSettings) => Promise<IssuerEngine>
