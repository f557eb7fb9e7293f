import {
  type AuthorizationServerOptions,
  isThisMachine,
  type KnownClient,
  type ProtectedResourceOptions,
} from '@mcp-doorman/authorization-server'
import type { EngineSettings } from './engine.ts'
import { isLike, type Like, likes } from './engines.ts'
import { refuseProduction } from './production.ts'
import { formatUserMistake, parseUsers } from './user-list.ts'
import { defaultUsers, type DevelopmentUser } from './users.ts'

export interface DevelopmentIssuerOptions {
  /**
   * Whose manners the issuer has: `casdoor` is a double of one; `keycloak`, `auth0` and `entra` do what MCP clients
   * stumble over there.
   *
   * @defaultValue doorman: those of Doorman's own authorization server
   */
  readonly like?: Like
  /** The address to listen on. @defaultValue 127.0.0.1 */
  readonly host?: string
  /** 0 takes any free port. @defaultValue 8081 */
  readonly port?: number
  /**
   * The folder for clients, grants and keys; created with mode 0700. @defaultValue memory, gone at the end
   */
  readonly state?: string
  /** What tokens are for. Scopes of Doorman's files server have descriptions already. */
  readonly resources: readonly ProtectedResourceOptions[]
  /** @defaultValue alice and bob, whose passwords are their names */
  readonly users?: readonly DevelopmentUser[]
  /** Clients beside `doorman-dev`. @defaultValue none */
  readonly clients?: readonly KnownClient[]
  /** Seconds, from 1. @defaultValue 3600 */
  readonly accessTokenSeconds?: number
  /**
   * Log every request in without a page: as the user of this name, or as the first one. Only on loopback.
   *
   * @defaultValue false: people are asked who they are
   */
  readonly autoLogin?: string | boolean
  /**
   * Allow all that whoever is logged in may allow, without a page. Only on loopback.
   *
   * @defaultValue false: people are asked what they allow
   */
  readonly autoConsent?: boolean
  /**
   * Makes what is random in faults the same each time: a whole number from 0 to 4294967295.
   *
   * @defaultValue any
   */
  readonly seed?: number
  /**
   * Listen where others can reach it. Whoever can, can log in with passwords that everybody knows. @defaultValue false
   */
  readonly allowNonLoopback?: boolean
  /**
   * The issuer identifier, when others reach this issuer under another name than the address that it listens on.
   *
   * @defaultValue `http://{host}:{port}`
   */
  readonly issuer?: string
  /** @see AuthorizationServerOptions.clientDocuments */
  readonly clientDocuments?: AuthorizationServerOptions['clientDocuments']
  /** @see AuthorizationServerOptions.redirects */
  readonly redirects?: AuthorizationServerOptions['redirects']
  /** @see AuthorizationServerOptions.registration */
  readonly registration?: AuthorizationServerOptions['registration']
  /** @see AuthorizationServerOptions.nowSeconds */
  readonly nowSeconds?: () => number
  /** @see AuthorizationServerOptions.onServerError */
  readonly onServerError?: (error: Error) => void
}

/** The options, checked, copied and complete. */
export interface DevelopmentIssuerSettings extends Omit<EngineSettings, 'issuer'> {
  readonly host: string
  readonly port: number
  readonly like: Like
  readonly seed: number | undefined
  /** Undefined until the port is known. */
  readonly issuer: string | undefined
}

const optionNames = new Set([
  'host',
  'port',
  'state',
  'resources',
  'users',
  'clients',
  'accessTokenSeconds',
  'like',
  'autoLogin',
  'autoConsent',
  'seed',
  'allowNonLoopback',
  'issuer',
  'clientDocuments',
  'redirects',
  'registration',
  'nowSeconds',
  'onServerError',
])

/**
 * Checks what belongs to this package; the rest is checked by the authorization server.
 *
 * @throws {Error} in production, and on an address that others can reach
 * @throws {TypeError} that lists every mistake
 */
export function readOptions(options: DevelopmentIssuerOptions): DevelopmentIssuerSettings {
  refuseProduction()
  const host = options.host ?? '127.0.0.1'
  if (!isThisMachine(host) && options.allowNonLoopback !== true) {
    throw new Error(
      `The development issuer does not listen on ${host}: others could reach it, and everybody knows its passwords. ` +
        'Use 127.0.0.1, or allow it with allowNonLoopback in a network of your own.',
    )
  }

  const mistakes = Object.keys(options)
    .filter((name) => !optionNames.has(name))
    .map((name) => `${name}: unknown option.`)
  const port = options.port ?? 8081
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    mistakes.push('port: must be a whole number from 0 to 65535.')
  if (['0.0.0.0', '::'].includes(host) && options.issuer === undefined) {
    mistakes.push(`issuer: must be given, since ${host} is no address that clients can be sent to.`)
  }
  const like = options.like ?? 'doorman'
  if (!isLike(like)) mistakes.push(`like: must be one of ${likes.join(', ')}.`)
  const { seed } = options
  if (seed !== undefined && (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)) {
    mistakes.push('seed: must be a whole number from 0 to 4294967295.')
  }
  const list = parseUsers(options.users ?? defaultUsers)
  if (!list.ok) mistakes.push(...list.mistakes.map(formatUserMistake))
  const users = list.ok ? list.users : []
  const { autoLogin = false } = options
  const known = users.find(({ name }) => name === autoLogin)
  if (typeof autoLogin === 'string' && known === undefined && list.ok) {
    mistakes.push(`autoLogin: no user is called ${JSON.stringify(autoLogin)}.`)
  }
  // Whoever could reach it would be somebody at once.
  const isUnattended = autoLogin !== false || options.autoConsent === true
  if (isUnattended && !(isThisMachine(host) && isOnThisMachine(options.issuer))) {
    mistakes.push('autoLogin, autoConsent: answer for people, so they work on loopback only.')
  }
  if (mistakes.length > 0) {
    throw new TypeError(
      `The development issuer was given options that cannot be used:\n${mistakes.join('\n')}`,
    )
  }
  return {
    host,
    port,
    like,
    seed,
    users,
    issuer: options.issuer,
    stateFolder: options.state,
    resources: [...options.resources],
    clients: [...(options.clients ?? [])],
    accessTokenSeconds: options.accessTokenSeconds ?? 3600,
    autoLogin: autoLogin === true ? users[0] : known,
    autoConsent: options.autoConsent === true,
    clientDocuments: options.clientDocuments,
    redirects: options.redirects,
    registration: options.registration,
    nowSeconds: options.nowSeconds,
    onServerError: options.onServerError ?? (() => {}),
  }
}

/** An issuer that is not named is the address that it listens on. */
function isOnThisMachine(issuer: string | undefined): boolean {
  return issuer === undefined || (URL.canParse(issuer) && isThisMachine(new URL(issuer).hostname))
}
