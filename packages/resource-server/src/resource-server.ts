import { randomBytes } from 'node:crypto'
import { isLoopbackHost } from '@mcp-doorman/outbound'
import type { Item } from './action.ts'
import { createRecorder, type AuditSink, type Outcome } from './audit.ts'
import { createDenialFormatter, type DenialResponse } from './challenge.ts'
import type { Decision, Denied, Granted } from './decision.ts'
import { guard, type AccessRequest, type GuardParts } from './guard.ts'
import { acceptedAudiences } from './identity/audience.ts'
import { supposeCaller } from './identity/claims.ts'
import type { Identity, IdentityFacts } from './identity/identity.ts'
import { checkDpopKeys, createDpop, type DpopOptions } from './identity/dpop.ts'
import { defaultKeyTimes, type KeyTimes } from './identity/issuer-keys.ts'
import { checkIssuerKeys, type IssuerOptions } from './identity/issuer-options.ts'
import {
  completeRevocation,
  createMemoryRevocations,
  type Revocation,
  type RevocationStore,
  type RevocationWish,
} from './identity/revocations.ts'
import { createTrustedIssuer } from './identity/trusted-issuer.ts'
import { createVerifier } from './identity/verifier.ts'
import { checkLimitStore, createStoredLimiters, type LimitStoreOptions } from './limit-store.ts'
import { createWatch, type WatchIdentity } from './identity/watch.ts'
import { checkRate, createMemoryLimiter, type Limiter, type Rate } from './limits.ts'
import { createMetadata, type ProtectedResourceMetadata } from './metadata.ts'
import type { Explain } from './policy/explain.ts'
import { compilePolicy } from './policy/policy.ts'
import { checkRuleKeys, checkScopeKeys, type Rule, type ScopeDefinition } from './policy/rule.ts'
import {
  callable,
  checkKeys,
  either,
  flag,
  list,
  members,
  named,
  number,
  oneOf,
  text,
  texts,
  type Kinds,
} from './unknown-keys.ts'

/** What a resource server is built from. Checked and copied when it is: later changes have no effect. */
export interface ResourceServerOptions {
  /**
   * The resource identifier: the URL that clients are given, byte for byte.
   *
   * Https, or http on loopback; without query, fragment or final slash after a path.
   */
  readonly resource: string
  /** Further spellings of the resource that tokens may name as audience. Compared exactly. Default: none. */
  readonly audienceAliases?: readonly string[]
  /** Who issues tokens for this resource; at least one. The metadata lists them in this order. */
  readonly issuers: readonly IssuerOptions[]
  /** Every scope that rules may ask for. */
  readonly scopes: Readonly<Record<string, ScopeDefinition>>
  /** Which of them the metadata publishes. Default: all. */
  readonly publishedScopes?: readonly string[]
  /** What a first login should ask for. Default: nothing is suggested. */
  readonly challengeScopes?: readonly string[]
  /** Who may use what. The first rule that names an item is the only one judged; what none names is hidden. */
  readonly rules: readonly Rule[]
  /** How often one caller (issuer, subject and client) may send a message; `'off'` for no limit. Default: 600 in 60 s. */
  readonly callerLimit?: Rate | 'off'
  /**
   * How often tokens that no issuer has signed or knows may come from one address before it is answered 429 for them; an IPv6
   * address counts by its first half. A valid token is never refused for it, nor one that has only expired.
   * Without an address in the request, nothing is counted. Default: 300 in 60 s.
   */
  readonly failedAuthenticationLimit?: Rate | 'off'
  /** Where limits are counted for several processes together. Default: in the memory of each. */
  readonly limitStore?: LimitStoreOptions
  /** Where decision and outcome records go. */
  readonly audit: AuditSink
  /** Record the URIs of resources, up to 512 characters, which may say what is in them. Default: false. */
  readonly recordResourceUris?: boolean
  /** What people see as the name of the resource. Default: none is published. */
  readonly resourceName?: string
  /** URL of a page for people. */
  readonly documentation?: string
  /** How far an issuer's clock may differ from ours, in seconds; 0 to 300. Default: 30. */
  readonly clockToleranceSeconds?: number
  /** Longest token that is looked at, in bytes; 1,024 to 32,768. Default: 16,384. */
  readonly maxTokenBytes?: number
  /** How many verified tokens are remembered; 100 to 1,000,000. Default: 20,000, and never more than 64 MiB of tokens. */
  readonly maxCachedTokens?: number
  /** Say `invalid_token` in the challenge also where no token was sent. Default: false. */
  readonly errorWithoutToken?: boolean
  /** Take proofs of possession (RFC 9449). Default: no; tokens that are bound to a key are then refused. */
  readonly dpop?: DpopOptions
  /** Where revocations are kept; closed with the server. Default: in memory, until the process ends. */
  readonly revocations?: RevocationStore
  /** How long keys are used. See {@link KeyTimes} for the defaults. */
  readonly keyTimes?: Partial<KeyTimes>
  /** How long one question to an issuer may take, in seconds. Default: 5. */
  readonly outboundTimeoutSeconds?: number
  /** Epoch seconds. Default: the machine's clock. */
  readonly nowSeconds?: () => number
}

/** An OAuth 2.1 resource server for one MCP resource. */
export interface ResourceServer {
  /** What to publish, and where. */
  readonly metadata: ProtectedResourceMetadata
  /** Decides a request, and records the decision. Never throws. */
  readonly guard: (request: AccessRequest) => Promise<Decision>
  /** The answer for a denied request. */
  readonly formatDenial: (denied: Denied) => DenialResponse
  /** Whether a list shows this item to this caller. */
  readonly shows: (identity: Identity, item: Item) => boolean
  /** The scopes that a caller's token has here: those that were granted, and those that they imply. */
  readonly scopesOf: (identity: Pick<Identity, 'scopes'>) => ReadonlySet<string>
  /**
   * Why the policy says what it says of an action: which rule, which requirement, and what would unlock it.
   *
   * The caller may be made up, to ask what somebody with these scopes and roles could do. Judges the policy only: no
   * token, no limit. For the wording of a `scopesFor` or `when` that throws, see {@link Explanation.checks}.
   */
  readonly explain: Explain
  /**
   * A caller for {@link ResourceServer.explain}: what these claims would say if a token of their issuer (`iss`) had them.
   *
   * Checks and proves nothing of them. `undefined` when the issuer is none of this resource's.
   */
  readonly suppose: (claims: Readonly<Record<string, unknown>>) => IdentityFacts | undefined
  /**
   * Whether a caller may be told of this item without asking for it, as by a notification: as a read of it would be
   * judged, without arguments. Costs no limit and makes no record, so it decides no request.
   */
  readonly allows: (identity: Identity, item: Item) => boolean
  /** Tells when an identity stops being accepted. See {@link WatchIdentity}. */
  readonly watch: WatchIdentity
  /**
   * Ends tokens before their time, at once and also for what they have opened; recorded. The issuer is not told: who may
   * log in again gets a new token.
   *
   * @throws {TypeError} (as a rejection) that says what is wrong with the wish
   * @throws {Error} (as a rejection) when the revocation cannot be kept; then it does not hold
   */
  readonly revoke: (wish: RevocationWish) => Promise<Revocation>
  /** The revocations that hold. */
  readonly revocations: () => readonly Revocation[]
  /** Records how a granted request ended. */
  readonly recordOutcome: (granted: Granted, outcome: Outcome) => void
  /** Fetches the issuers' keys. Says for each issuer why they are not here; empty when all are. Never throws. */
  readonly ready: () => Promise<readonly string[]>
  /** Ends connections to issuers, and writes the records that wait. */
  readonly close: () => Promise<void>
}

const maxCachedBytes = 64 * 1024 * 1024
const defaultCallerLimit: Rate = { count: 600, perSeconds: 60 }
const defaultFailureLimit: Rate = { count: 300, perSeconds: 60 }
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Builds a resource server. Opens no connection: keys are fetched with the first token, or by `ready()`.
 *
 * @throws {TypeError} listing everything that is wrong with the options
 */
export function createResourceServer(options: ResourceServerOptions): ResourceServer {
  const problems: string[] = []
  if (!checkAllKeys(options, problems)) throw mistakes(problems)
  const { nowSeconds = () => Date.now() / 1000, clockToleranceSeconds = 30, maxTokenBytes = 16_384 } = options
  const { maxCachedTokens = 20_000, challengeScopes = [], callerLimit = defaultCallerLimit } = options
  const { failedAuthenticationLimit = defaultFailureLimit } = options
  checkResource(options.resource, problems)
  checkScopes(options, problems)
  checkNumber('clockToleranceSeconds', clockToleranceSeconds, 0, 300, problems)
  checkNumber('maxTokenBytes', maxTokenBytes, 1024, 32_768, problems)
  checkNumber('maxCachedTokens', maxCachedTokens, 100, 1_000_000, problems)
  checkKeyTimes({ ...defaultKeyTimes, ...options.keyTimes }, problems)
  if (callerLimit !== 'off') checkRate('callerLimit', callerLimit, problems)
  if (failedAuthenticationLimit !== 'off') {
    checkRate('failedAuthenticationLimit', failedAuthenticationLimit, problems)
  }
  if (options.issuers.length === 0)
    problems.push('issuers: is empty. Name who issues tokens for this resource.')

  const issuers = options.issuers.map((issuer) =>
    createTrustedIssuer(issuer, { ...options, nowSeconds }, problems),
  )
  const names = issuers.map(({ issuer }) => issuer)
  if (new Set(names).size < names.length) problems.push('issuers: one is named twice.')
  if (issuers.filter(({ keys }) => keys === undefined).length > 1) {
    problems.push('issuers: only one can have opaque tokens, since nothing in them says whose they are.')
  }
  // Without a resource that is a URL there is nothing to compare proofs with, and no server will come of it.
  const dpop =
    options.dpop && URL.canParse(options.resource)
      ? createDpop(options.dpop, options.resource, nowSeconds, problems)
      : undefined
  const { revocations = createMemoryRevocations() } = options
  const policy = compilePolicy({ scopes: options.scopes, rules: options.rules, nowSeconds }, problems)
  if (problems.length > 0) {
    for (const issuer of issuers) issuer.close()
    throw mistakes(problems)
  }

  const metadata = createMetadata({
    resource: options.resource,
    authorizationServers: names,
    scopes: [...(options.publishedScopes ?? Object.keys(options.scopes))],
    dpop,
    resourceName: options.resourceName,
    documentation: options.documentation,
  })
  const createLimiter =
    options.limitStore === undefined
      ? (_name: string, rate: Rate): Limiter => createMemoryLimiter(rate)
      : createStoredLimiters({ ...options.limitStore })
  const recorder = createRecorder(options.audit, options.recordResourceUris)
  const parts: GuardParts = {
    takesProofs: dpop !== undefined,
    revocations,
    verify: createVerifier({
      issuers,
      proofs: dpop,
      audiences: acceptedAudiences(options.resource, options.audienceAliases ?? []),
      clockToleranceSeconds,
      maxTokenBytes,
      maxCachedTokens,
      maxCachedBytes,
      nowSeconds,
    }),
    policy,
    limits: {
      failures:
        failedAuthenticationLimit === 'off' ? undefined : createLimiter('address', failedAuthenticationLimit),
      caller: callerLimit === 'off' ? undefined : createLimiter('caller', callerLimit),
      rules: ruleLimiters(options.rules, createLimiter),
    },
    audit: options.audit,
    recorder,
    nextId: createIds(),
    nowSeconds,
    clockToleranceSeconds,
    monotonicSeconds: () => performance.now() / 1000,
  }
  const formatDenial = createDenialFormatter({
    metadataUrl: metadata.url,
    baseScopes: [...challengeScopes],
    errorWithoutToken: options.errorWithoutToken ?? false,
    dpop,
  })

  return {
    metadata,
    guard: (request) => guard(request, parts),
    formatDenial: ({ denial, form, id }) => formatDenial(denial, form, id),
    shows: (identity, item) => policy.shows(identity, item),
    scopesOf: policy.scopesOf,
    explain: policy.explain,
    suppose: (claims) => {
      const trusted = issuers.find(({ issuer }) => issuer === claims['iss'])
      return trusted && supposeCaller(claims, trusted)
    },
    allows: (identity, item) => policy.allows(identity, item),
    watch: createWatch(nowSeconds, clockToleranceSeconds, revocations),
    revoke: async (wish) => {
      const revocation = completeRevocation(wish, names, nowSeconds())
      await revocations.add(revocation)
      recorder.revocation(revocation, nowSeconds() * 1000)
      return revocation
    },
    revocations: () => revocations.list(),
    recordOutcome: (granted, outcome) => recorder.outcome(granted, outcome, nowSeconds() * 1000),
    ready: async () => {
      const reasons = await Promise.all(
        issuers.map(async ({ issuer, ready }) => ({ issuer, reason: await ready() })),
      )
      return reasons.flatMap(({ issuer, reason }) => (reason === undefined ? [] : `${issuer}: ${reason}`))
    },
    close: async () => {
      for (const issuer of issuers) issuer.close()
      await dpop?.close()
      await revocations.close()
      await options.audit.close()
    },
  }
}

function ruleLimiters(
  rules: readonly Rule[],
  createLimiter: (name: string, rate: Rate) => Limiter,
): ReadonlyMap<string, Limiter> {
  const limiters = new Map<string, Limiter>()
  for (const [index, { id = `rules[${index}]`, limit }] of rules.entries()) {
    if (limit !== undefined) limiters.set(id, createLimiter(`rule:${id}`, { ...limit }))
  }
  return limiters
}

const optionKinds: Kinds<ResourceServerOptions> = {
  resource: text,
  audienceAliases: texts,
  issuers: list,
  scopes: named,
  publishedScopes: texts,
  challengeScopes: texts,
  rules: list,
  callerLimit: either(members, oneOf('off')),
  failedAuthenticationLimit: either(members, oneOf('off')),
  limitStore: members,
  audit: members,
  recordResourceUris: flag,
  resourceName: text,
  documentation: text,
  clockToleranceSeconds: number,
  maxTokenBytes: number,
  maxCachedTokens: number,
  errorWithoutToken: flag,
  dpop: members,
  revocations: members,
  keyTimes: members,
  outboundTimeoutSeconds: number,
  nowSeconds: callable,
}
const keyTimeKinds: Kinds<KeyTimes> = { maxAge: number, staleLimit: number, cooldown: number }
const required = ['resource', 'issuers', 'scopes', 'rules', 'audit'] as const

/** Adds misspelt options to `problems`, and tells whether the values of the others can be looked into. */
function checkAllKeys(options: ResourceServerOptions, problems: string[]): boolean {
  const outermost = checkKeys('', options, optionKinds, problems)
  const missing = required.filter((name) => options[name] === undefined)
  problems.push(...missing.map((name) => `${name}: is missing.`))
  if (!outermost || missing.length > 0) return false

  const { audit, keyTimes = {}, issuers, rules, scopes, dpop = {}, revocations } = options
  // A sink is the caller's own object, which may have more than these.
  const unable = (['write', 'available', 'close'] as const).filter(
    (name) => typeof audit[name] !== 'function',
  )
  problems.push(...unable.map((name) => `audit.${name}: must be a function.`))
  const missingOfStore = (['revokes', 'add', 'list', 'onAdded', 'close'] as const).filter(
    (name) => revocations !== undefined && typeof revocations[name] !== 'function',
  )
  problems.push(...missingOfStore.map((name) => `revocations.${name}: must be a function.`))
  const inner = [
    checkKeys('keyTimes', keyTimes, keyTimeKinds, problems),
    checkDpopKeys(dpop, problems),
    ...issuers.map((issuer, index) => checkIssuerKeys(`issuers[${index}]`, issuer, problems)),
    ...rules.map((rule, index) => checkRuleKeys(`rules[${index}]`, rule, problems)),
    ...Object.entries(scopes).map(([name, definition]) =>
      checkScopeKeys(`scopes["${name}"]`, definition, problems),
    ),
  ]
  const { limitStore } = options
  if (limitStore !== undefined) inner.push(checkLimitStore(limitStore, problems))
  return unable.length === 0 && missingOfStore.length === 0 && inner.every(Boolean)
}

function mistakes(problems: readonly string[]): TypeError {
  return new TypeError(`The resource server cannot be built:\n- ${problems.join('\n- ')}`)
}

/** Unique over processes and restarts, short, and cheaper than a random id each time. */
function createIds(): () => string {
  const instance = randomBytes(6).toString('base64url')
  let count = 0
  return () => {
    count += 1
    return `${instance}-${count}`
  }
}

function checkResource(resource: string, problems: string[]): void {
  if (!URL.canParse(resource)) {
    problems.push(
      `resource: "${resource}" is not a URL. Write the address that clients use, as https://mcp.example.com/mcp.`,
    )
    return
  }
  const url = new URL(resource)
  const loopback = url.protocol === 'http:' && isLoopbackHost(url.hostname)
  if (url.protocol !== 'https:' && !loopback) {
    problems.push(`resource: "${resource}" must be https; plain http is for loopback only.`)
  }
  // The text is looked at, since a URL does not tell an empty query or fragment from none.
  if (url.username !== '' || url.password !== '' || /[?#]/.test(resource)) {
    problems.push(`resource: "${resource}" must have no user, query or fragment.`)
  }
  if (url.pathname !== '/' && url.pathname.endsWith('/')) {
    problems.push(
      `resource: "${resource}" must not end in a slash: clients compare it byte for byte. Remove the slash.`,
    )
  }
  if (url.href !== resource && url.origin !== resource) {
    problems.push(
      `resource: "${resource}" is not in its normal form. Write "${url.pathname === '/' ? url.origin : url.href}".`,
    )
  }
}

const notOurs = 'is between client and issuer, and no scope of a resource. Remove it.'

function checkScopes(options: ResourceServerOptions, problems: string[]): void {
  for (const scope of Object.keys(options.scopes)) {
    if (!scopeToken.test(scope))
      problems.push(`scopes["${scope}"]: has characters that a scope cannot have (RFC 6749 §3.3).`)
    if (scope === 'offline_access') problems.push(`scopes["offline_access"]: ${notOurs}`)
  }
  for (const list of ['challengeScopes', 'publishedScopes'] as const) {
    for (const scope of options[list] ?? []) {
      if (scope === 'offline_access') {
        problems.push(`${list}: "offline_access" ${notOurs}`)
      } else if (!Object.hasOwn(options.scopes, scope)) {
        problems.push(`${list}: "${scope}" is not among the scopes. Add it, or correct the name.`)
      }
    }
  }
}

function checkKeyTimes({ maxAge, staleLimit, cooldown }: KeyTimes, problems: string[]): void {
  checkNumber('keyTimes.maxAge', maxAge, 1, 86_400, problems)
  checkNumber('keyTimes.staleLimit', staleLimit, 1, 604_800, problems)
  checkNumber('keyTimes.cooldown', cooldown, 1, 3600, problems)
  if (staleLimit < maxAge) {
    problems.push(`keyTimes.staleLimit: is ${staleLimit}, less than the maxAge of ${maxAge}. Raise it.`)
  }
}

function checkNumber(name: string, value: number, least: number, most: number, problems: string[]): void {
  if (!(value >= least && value <= most))
    problems.push(`${name}: must be ${least} to ${most}, and is ${value}.`)
}
