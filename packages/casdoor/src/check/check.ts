import { isLoopbackHost, type Outbound } from '@mcp-doorman/outbound'
import { builtInOrganization, canSignIn } from '../administrator.ts'
import { createCasdoorApi, type CasdoorApi } from '../api.ts'
import { numberOf, textOf, type CasdoorRecord, type ClientCredentials } from '../records.ts'
import { findingIds, makeFinding, type Finding, type FindingId } from './finding.ts'
import type { Seen } from './judge-application.ts'
import { judgeToken } from './judge-token.ts'
import { lookAtApplication } from './look-at-application.ts'
import { lookAtInstance } from './look-at-instance.ts'
import { createQuestions, watching } from './questions.ts'
import type { Place } from './rule.ts'
import { readSampleToken } from './sample-token.ts'

/** What to look at, and with what. */
export interface CheckOptions {
  readonly outbound: Outbound
  /** As it was given: a path in it is a finding. */
  readonly url: string
  /** Default: only the instance is looked at. */
  readonly application?: string
  /** Of an administrator, to see what is hidden from everybody else. Default: none. */
  readonly credentials?: ClientCredentials
  /** An access token of the application, as text. It is not sent anywhere. Default: none. */
  readonly token?: string
  /** The URL of the server, which tokens should name. Default: not compared. */
  readonly resource?: string
  /** Where clients are sent back to. Default: none is tried. */
  readonly redirectUris?: readonly string[]
  readonly nowSeconds: () => number
}

/** What was found. */
export interface CheckReport {
  readonly origin: string
  readonly application: string | undefined
  /** In the order of the list of findings; each at most once. */
  readonly findings: readonly Finding[]
  /** What could not be looked at, and what it would take. */
  readonly notSeen: readonly string[]
  /** Requests that were sent; Casdoor keeps a session of each for 30 days. */
  readonly requests: number
}

/**
 * Looks at a Casdoor as clients and servers see it, and says what is wrong for MCP. Changes nothing there.
 *
 * Applications of other organizations are not seen, nor what only a login shows; whether the sample token has been ended
 * is not asked.
 *
 * @throws {TypeError} when `url` is no URL; never for what is answered
 */
export async function checkCasdoor(options: CheckOptions): Promise<CheckReport> {
  const { url, application: name, nowSeconds } = options
  const { origin, pathname, protocol, hostname } = new URL(url)
  const { outbound, count, failures } = watching(options.outbound)
  const seen: Seen[] = []
  const notSeen: string[] = []
  let application: CasdoorRecord | undefined

  const report = (): CheckReport => ({
    origin,
    application: name,
    findings: joined(seen, {
      origin,
      application: name ?? '',
      organization: application === undefined ? '' : textOf(application, 'organization'),
    }),
    notSeen: [...notSeen, ...unanswered(seen, failures())],
    requests: count(),
  })

  if (pathname !== '/') seen.push({ id: 'url_has_path', evidence: `it was given as ${url.slice(0, 200)}` })
  if (protocol === 'http:' && !isLoopbackHost(hostname)) {
    seen.push({ id: 'url_insecure', evidence: `it was given as ${origin}; nothing was asked there` })
    return report()
  }
  const ask = createQuestions(outbound, origin)
  const instance = await lookAtInstance(ask, origin, nowSeconds)
  const { issuer } = instance
  seen.push(...instance.seen)
  if (issuer === undefined) return report()

  const api = createCasdoorApi({ outbound, origin, credentials: options.credentials })
  if (options.credentials !== undefined && (await hasFirstPassword(outbound, api, origin))) {
    const evidence = 'built-in/admin can log in with the password that Casdoor starts with'
    seen.push({ id: 'administrator_password_default', evidence })
  }
  let keys: readonly CasdoorRecord[] = []
  if (name === undefined) {
    notSeen.push('an application: name it with --application')
  } else {
    const { redirectUris = [] } = options
    const view = await lookAtApplication(ask, api, { name, redirectUris, nowSeconds })
    seen.push(...view.seen)
    application = view.application
    keys = view.keys
    if (application !== undefined && !view.whole) notSeen.push(hiddenParts(options.credentials))
  }
  if (options.token === undefined) {
    notSeen.push('a token: give an access token on standard input with --token -')
    return report()
  }
  const sample = readSampleToken(options.token)
  if (sample === undefined) {
    seen.push({ id: 'sample_unreadable', evidence: `${options.token.trim().length} characters were given` })
    return report()
  }
  const { resource } = options
  seen.push(...(await judgeToken(sample, { issuer, application, keys, resource, nowSeconds: nowSeconds() })))
  return report()
}

/** Failures that no finding tells of: what they would have shown is not known. */
function unanswered(seen: readonly Seen[], failures: readonly string[]): readonly string[] {
  return failures
    .filter((failure) => !seen.some(({ evidence }) => evidence.includes(failure)))
    .map((failure) => `a question that had no answer: ${failure}`)
}

function hiddenParts(credentials: ClientCredentials | undefined): string {
  return credentials === undefined
    ? 'format, fields and lifetimes of tokens, the certificate, other grants: Casdoor shows them to administrators'
    : 'what Casdoor shows to administrators: these credentials are not those of one'
}

const firstPassword = '123'

/**
 * Tries the password that a fresh Casdoor has, once: a wrong one counts towards the lock of the account, so it is not
 * tried where another wrong one is counted already, be it that of an earlier check.
 */
async function hasFirstPassword(outbound: Outbound, api: CasdoorApi, origin: string): Promise<boolean> {
  const administrator = await api.readUser(builtInOrganization, 'admin')
  if (!administrator.ok || administrator.value === undefined) return false
  if (numberOf(administrator.value, 'signinWrongTimes') > 0) return false
  return canSignIn(outbound, origin, { user: 'admin', password: firstPassword })
}

/** One finding for each id, with all that was seen of it. */
function joined(seen: readonly Seen[], place: Place): readonly Finding[] {
  const evidenceOf = new Map<FindingId, string[]>()
  for (const { id, evidence } of seen) {
    const known = evidenceOf.get(id) ?? []
    if (!known.includes(evidence)) evidenceOf.set(id, [...known, evidence])
  }
  return [...evidenceOf]
    .toSorted(([one], [other]) => findingIds.indexOf(one) - findingIds.indexOf(other))
    .map(([id, evidence]) => makeFinding(id, evidence.join('; '), place))
}
