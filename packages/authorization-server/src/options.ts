import type { Login } from './login.ts'
import { isLoopbackUrl } from './loopback.ts'
import { isAppScheme, type RedirectPolicy, redirectUriProblem } from './redirect-uri.ts'
import type { ProtectedResource } from './resources.ts'
import type { RegistrationLimits } from './store.ts'

export interface ProtectedResourceOptions {
  /**
   * The resource identifier, and the `aud` of its tokens, byte for byte: an absolute http or https URL without user
   * name, query and fragment.
   */
  readonly resource: string
  /** Shown to people. @defaultValue the identifier */
  readonly name?: string
  /** Every scope that this resource knows; at least one. */
  readonly scopes: readonly string[]
  /** Given when a client asks for none of them; at least one. @defaultValue all scopes */
  readonly defaultScopes?: readonly string[]
  /** Scope → what it allows, as a sentence for the person who is asked. @defaultValue the scope itself */
  readonly scopeDescriptions?: Readonly<Record<string, string>>
}

/** A client that the operator knows; it needs no registration and never expires. */
export interface KnownClient {
  readonly clientId: string
  readonly name?: string
  readonly redirectUris: readonly string[]
  /** Makes it a confidential client, with `client_secret_basic` or `client_secret_post`. @defaultValue public */
  readonly secret?: string
  /** May introspect tokens of every client, as resource servers do; needs a secret. @defaultValue false */
  readonly mayIntrospect?: boolean
}

export interface AuthorizationServerOptions {
  /**
   * The issuer identifier: an http or https URL without query and fragment, without a final slash. Every URL that this
   * server tells is built from it, never from a request. Plain http is for loopback and closed networks.
   */
  readonly issuer: string
  /** At least one. When there is exactly one, requests without `resource` mean it. */
  readonly resources: readonly ProtectedResourceOptions[]
  /** Who is there. */
  readonly login: Login
  /** Where state and keys are kept. @defaultValue in memory, gone at the end */
  readonly stateFolder?: string
  /** @defaultValue none */
  readonly clients?: readonly KnownClient[]
  /**
   * Registration by the clients themselves (RFC 7591). `false` turns it off.
   *
   * A registration younger than `lifetimes.interactionSeconds` is never dropped to make room for another: when all are,
   * the next client is asked to wait (503 with `Retry-After`).
   */
  readonly registration?: Partial<RegistrationLimits> | false
  /**
   * Client-ID metadata documents. `trustedOrigins` may live on private and loopback addresses; `certificateAuthorities`
   * are PEM texts. `false` turns them off. @defaultValue on, public addresses only
   */
  readonly clientDocuments?:
    | { readonly trustedOrigins?: readonly string[]; readonly certificateAuthorities?: readonly string[] }
    | false
  /**
   * @defaultValue loopback hosts interchangeable; the schemes `claude`, `cursor`, `vscode` and `vscode-insiders`
   */
  readonly redirects?: Partial<RedirectPolicy>
  /** Seconds, whole numbers from 1. */
  readonly lifetimes?: Partial<Lifetimes>
  /**
   * Which of the pages nobody is there to answer: for tests without a browser.
   *
   * @defaultValue none
   * @throws {TypeError} with an issuer that is not on loopback
   */
  readonly unattended?: Unattended
  /**
   * The clock of the store, in epoch seconds: expiry of what is kept, reuse grace, unused registrations. The times in
   * tokens are always those of the system clock.
   *
   * @defaultValue the system clock
   */
  readonly nowSeconds?: () => number
  /** Told of every answer with status 500. Never given a token or a password by us. @defaultValue nobody */
  readonly onServerError?: (error: Error) => void
}

/** Pages that are left out. */
export interface Unattended {
  /** Every request is logged in as this subject. @defaultValue people are asked who they are */
  readonly subject?: string
  /** Whoever is logged in allows all that they may. @defaultValue people are asked what they allow */
  readonly consent?: boolean
}

export interface Lifetimes {
  /** @defaultValue 3600 */
  readonly accessTokenSeconds: number
  /** One refresh token, from its issue. @defaultValue 1209600 (14 days) */
  readonly refreshTokenSeconds: number
  /** What was allowed at one login, with all its refresh tokens. @defaultValue 2592000 (30 days) */
  readonly grantSeconds: number
  /** How long a refresh token that was used may be used again; 0 to 600. @defaultValue 60 */
  readonly reuseGraceSeconds: number
  /** From the authorization request to the answer of the person. @defaultValue 600 */
  readonly interactionSeconds: number
  /** How long a browser stays logged in. @defaultValue 43200 (12 hours) */
  readonly sessionSeconds: number
}

/** The options, checked, copied and complete. */
export interface AuthorizationServerSettings {
  readonly issuer: string
  readonly resources: readonly ProtectedResource[]
  readonly login: Login
  readonly stateFolder: string | undefined
  readonly clients: readonly KnownClient[]
  readonly registration: RegistrationLimits | undefined
  readonly clientDocuments:
    | { readonly trustedOrigins: readonly string[]; readonly certificateAuthorities: readonly string[] }
    | undefined
  readonly redirects: RedirectPolicy
  readonly lifetimes: Lifetimes
  readonly unattended: Unattended
  readonly nowSeconds: () => number
  readonly onServerError: (error: Error) => void
}

const defaultLifetimes: Lifetimes = {
  accessTokenSeconds: 3600,
  refreshTokenSeconds: 14 * 86_400,
  grantSeconds: 30 * 86_400,
  reuseGraceSeconds: 60,
  interactionSeconds: 600,
  sessionSeconds: 12 * 3600,
}
export const defaultRegistration: RegistrationLimits = {
  mostUnused: 1000,
  unusedSeconds: 86_400,
  idleSeconds: 90 * 86_400,
}
/** The callbacks of desktop applications that are known to use a scheme of their own. */
const defaultAppSchemes = ['claude', 'cursor', 'vscode', 'vscode-insiders']

const optionNames = new Set([
  'issuer',
  'resources',
  'login',
  'stateFolder',
  'clients',
  'registration',
  'clientDocuments',
  'redirects',
  'lifetimes',
  'unattended',
  'nowSeconds',
  'onServerError',
])

/** @throws {TypeError} that lists every mistake */
export function readOptions(options: AuthorizationServerOptions): AuthorizationServerSettings {
  const mistakes = Object.keys(options)
    .filter((name) => !optionNames.has(name))
    .map((name) => `${name}: unknown option.`)

  mistakes.push(...issuerMistakes(options.issuer))
  const resources = readResources(options.resources, mistakes)
  const redirects: RedirectPolicy = {
    loopbackHosts: options.redirects?.loopbackHosts ?? 'interchangeable',
    appSchemes: [...(options.redirects?.appSchemes ?? defaultAppSchemes)],
  }
  for (const scheme of redirects.appSchemes) {
    if (!isAppScheme(scheme)) {
      mistakes.push(
        `redirects.appSchemes: ${scheme} is no scheme of an application. Write it without the colon.`,
      )
    }
  }
  const clients = readClients(options.clients ?? [], redirects, mistakes)
  const lifetimes = { ...defaultLifetimes, ...options.lifetimes }
  for (const [name, seconds] of Object.entries(lifetimes)) {
    if (!(name in defaultLifetimes)) mistakes.push(`lifetimes.${name}: unknown.`)
    const smallest = name === 'reuseGraceSeconds' ? 0 : 1
    if (!Number.isSafeInteger(seconds) || seconds < smallest) {
      mistakes.push(`lifetimes.${name}: must be a whole number of seconds, at least ${smallest}.`)
    }
  }
  if (lifetimes.reuseGraceSeconds > 600) mistakes.push('lifetimes.reuseGraceSeconds: must be at most 600.')

  const registration =
    options.registration === false ? undefined : { ...defaultRegistration, ...options.registration }
  for (const [name, value] of Object.entries(registration ?? {})) {
    if (!Number.isSafeInteger(value) || value < 1) {
      mistakes.push(`registration.${name}: must be a whole number, at least 1.`)
    }
  }
  const unattended = { ...options.unattended }
  if ((unattended.subject !== undefined || unattended.consent === true) && !isLoopbackUrl(options.issuer)) {
    mistakes.push('unattended: answers for people, so it works only with an issuer on loopback.')
  }

  if (mistakes.length > 0) {
    throw new TypeError(
      `The authorization server was given options that cannot be used:\n${mistakes.join('\n')}`,
    )
  }
  return {
    issuer: options.issuer,
    resources,
    login: options.login,
    stateFolder: options.stateFolder,
    clients,
    registration,
    clientDocuments:
      options.clientDocuments === false
        ? undefined
        : {
            trustedOrigins: [...(options.clientDocuments?.trustedOrigins ?? [])],
            certificateAuthorities: [...(options.clientDocuments?.certificateAuthorities ?? [])],
          },
    redirects,
    lifetimes,
    unattended,
    nowSeconds: options.nowSeconds ?? (() => Math.floor(Date.now() / 1000)),
    onServerError: options.onServerError ?? (() => {}),
  }
}

function issuerMistakes(issuer: string): readonly string[] {
  if (!URL.canParse(issuer))
    return ['issuer: is not an absolute URL. Write for instance https://auth.example.com.']
  const url = new URL(issuer)
  const whole = url.pathname === '/' ? url.origin : url.origin + url.pathname
  if (!['http:', 'https:'].includes(url.protocol))
    return ['issuer: must begin with https:// (or http:// on loopback).']
  // Clients compare the issuer as a string: it must be what every URL parser gives back.
  if (issuer !== whole || issuer.endsWith('/')) return [`issuer: write ${whole.replace(/\/+$/, '')}.`]
  return []
}

function readResources(
  given: readonly ProtectedResourceOptions[],
  mistakes: string[],
): readonly ProtectedResource[] {
  if (given.length === 0) mistakes.push('resources: must name at least one protected resource.')
  const seen = new Set<string>()
  return given.map(({ resource, name, scopes, defaultScopes, scopeDescriptions }, index) => {
    const place = `resources[${index}]`
    const url = URL.canParse(resource) ? new URL(resource) : undefined
    if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
      mistakes.push(`${place}.resource: must be an absolute http or https URL.`)
    } else if (/[?#]/.test(resource) || url.username !== '' || url.password !== '') {
      mistakes.push(`${place}.resource: must not have a user name, query or fragment.`)
    }
    const root = resource.replace(/^([a-z]+:\/\/[^/]*)\/$/, '$1')
    if (seen.has(root)) mistakes.push(`${place}.resource: is there twice.`)
    seen.add(root)

    if (scopes.length === 0) mistakes.push(`${place}.scopes: must have at least one scope.`)
    for (const scope of scopes) {
      // RFC 6749 §3.3: printable ASCII but for space, quotation mark and backslash.
      if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
        mistakes.push(`${place}.scopes: "${scope}" is no scope.`)
    }
    const chosen = defaultScopes ?? scopes
    if (chosen.length === 0) mistakes.push(`${place}.defaultScopes: must have at least one scope.`)
    for (const scope of chosen) {
      if (!scopes.includes(scope)) mistakes.push(`${place}.defaultScopes: ${scope} is not one of its scopes.`)
    }
    return {
      resource,
      name: name ?? resource,
      scopes: [...scopes],
      defaultScopes: [...chosen],
      scopeDescriptions: { ...scopeDescriptions },
    }
  })
}

function readClients(
  given: readonly KnownClient[],
  policy: RedirectPolicy,
  mistakes: string[],
): readonly KnownClient[] {
  const seen = new Set<string>()
  for (const [index, client] of given.entries()) {
    const place = `clients[${index}]`
    if (!/^[\x21-\x7e]+$/.test(client.clientId)) mistakes.push(`${place}.clientId: must be printable ASCII.`)
    if (seen.has(client.clientId)) mistakes.push(`${place}.clientId: ${client.clientId} is there twice.`)
    seen.add(client.clientId)
    for (const uri of client.redirectUris) {
      const problem = redirectUriProblem(uri, policy)
      if (problem !== undefined) mistakes.push(`${place}.redirectUris: ${uri} ${problem}.`)
    }
    if (client.secret !== undefined && !/^[\x20-\x7e]{16,}$/.test(client.secret)) {
      mistakes.push(`${place}.secret: must be at least 16 characters of printable ASCII.`)
    }
    if (client.mayIntrospect === true && client.secret === undefined) {
      mistakes.push(`${place}.mayIntrospect: needs a secret, or everybody could introspect.`)
    }
  }
  return given.map((client) => ({ ...client, redirectUris: [...client.redirectUris] }))
}
