import type { OutboundAnswer } from '@mcp-doorman/outbound'
import { readEnvelope, readJsonObject } from '../answers.ts'
import { ownerOfAll, type CasdoorApi } from '../api.ts'
import type { CasdoorProblem } from '../problems.ts'
import { oidcScopes } from '../oidc-scopes.ts'
import { isMasked, isRecord, rowsOf, textOf, type CasdoorRecord } from '../records.ts'
import { passesAnywhere } from '../redirect-uris.ts'
import { certificateMistake } from '../setup/certificate.ts'
import { defaultCertificate, usersOf } from '../setup/choose-certificate.ts'
import type { FindingId } from './finding.ts'
import { grantsWithoutLogin, judgeHidden, judgeVisible, type Seen } from './judge-application.ts'
import { endOfCertificate, publishedIds, readKeySet } from './key-set.ts'
import type { Questions } from './questions.ts'

/** What was seen of the application. */
export interface ApplicationView {
  readonly seen: readonly Seen[]
  /** Undefined when there is none. */
  readonly application: CasdoorRecord | undefined
  /** The keys that its tokens are verified with; empty when they cannot be read. */
  readonly keys: readonly CasdoorRecord[]
  /** Whether it was shown as administrators see it. */
  readonly whole: boolean
}

export interface ApplicationQuestion {
  readonly name: string
  /** Redirect URIs that clients use; those on loopback are not asked about. */
  readonly redirectUris: readonly string[]
  readonly nowSeconds: () => number
}

const warnDaysBefore = 30

/**
 * Asks about one application: record, keys, scopes, then each redirect URI; and with credentials its certificate and
 * its neighbours, without them three grants.
 */
export async function lookAtApplication(
  ask: Questions,
  api: CasdoorApi,
  { name, redirectUris, nowSeconds }: ApplicationQuestion,
): Promise<ApplicationView> {
  const found = await api.readApplication(name)
  if (!found.ok) return nothingOf({ id: findingOf(found.problem), evidence: found.problem.message })
  const application = found.value
  if (application === undefined) {
    return nothingOf({ id: 'application_unknown', evidence: `${ownerOfAll}/${name} is not there` })
  }
  const whole = !isMasked(application)
  const seen: Seen[] = [
    ...judgeVisible(application),
    ...judgeHidden(application),
    ...judgePolicy(application),
  ]

  const set = readKeySet(await ask.keysOf(name), `/.well-known/${name}/jwks`)
  const keys = set.ok ? set.keys : []
  if (!set.ok) seen.push({ id: 'application_keys_broken', evidence: set.evidence })
  else seen.push(...(await judgeKeys(keys, nowSeconds())))

  if (whole) seen.push(...(await lookAtCertificate(api, application)))
  seen.push(...(await lookAtScopes(ask, application)))
  const clientId = textOf(application, 'clientId')
  seen.push(...(await lookAtRedirects(ask, clientId, redirectUris)))
  if (!whole) seen.push(...(await lookAtGrants(ask, clientId)))
  return { seen, application, keys, whole }
}

function nothingOf(seen: Seen): ApplicationView {
  return { seen: [seen], application: undefined, keys: [], whole: false }
}

/** A proxy that passes on some paths only makes the rest no Casdoor. */
function findingOf({ code }: CasdoorProblem): FindingId {
  if (code === 'unreachable' || code === 'not_casdoor') return code
  return 'application_unknown'
}

function judgePolicy(application: CasdoorRecord): readonly Seen[] {
  const organization = application['organizationObj']
  const policy = isRecord(organization) ? textOf(organization, 'dcrPolicy') : ''
  if (policy === '' || policy === 'disabled') return []
  const evidence = `dcrPolicy of ${textOf(application, 'organization')} is ${policy}`
  return [{ id: 'registration_open', evidence }]
}

async function judgeKeys(keys: readonly CasdoorRecord[], now: number): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  const [key] = keys
  if (key === undefined) return [{ id: 'application_keys_broken', evidence: 'its key set is empty' }]
  if (keys.length > 1) {
    const evidence = `its key set has ${keys.length} keys: those of the whole instance`
    seen.push({ id: 'key_not_dedicated', evidence })
  } else if (textOf(key, 'kid') === defaultCertificate) {
    seen.push({ id: 'key_not_dedicated', evidence: `it signs with ${defaultCertificate}` })
  }
  const published = await publishedIds(keys)
  if (published.length > 0) {
    seen.push({ id: 'key_published', evidence: `the certificate ${published.join(', ')}` })
  }
  const ends = keys.length === 1 ? endOfCertificate(key) : undefined
  if (ends !== undefined && ends - now < warnDaysBefore * 86_400) {
    const day = new Date(ends * 1000).toISOString().slice(0, 10)
    seen.push({ id: 'certificate_ends', evidence: `${textOf(key, 'kid')} ends on ${day}` })
  }
  return seen
}

async function lookAtCertificate(api: CasdoorApi, application: CasdoorRecord): Promise<readonly Seen[]> {
  const name = textOf(application, 'cert')
  if (name === '') return [{ id: 'key_not_dedicated', evidence: 'cert is empty' }]
  const certificate = await api.readCertificate(name)
  if (!certificate.ok) return []
  if (certificate.value === undefined) {
    return [{ id: 'key_not_dedicated', evidence: `the certificate ${ownerOfAll}/${name} is not there` }]
  }
  const mistake = certificateMistake(certificate.value)
  if (mistake !== undefined) {
    return [{ id: 'key_not_dedicated', evidence: `the certificate ${name} ${mistake}` }]
  }
  const seen: Seen[] = []
  // An empty method is what applications of older versions have, and means RS256.
  const method = textOf(application, 'tokenSigningMethod') || 'RS256'
  if (method !== certificate.value.cryptoAlgorithm) {
    const evidence = `tokenSigningMethod is ${method}, the certificate ${name} is for ${certificate.value.cryptoAlgorithm}`
    seen.push({ id: 'signing_method_differs', evidence })
  }
  const neighbours = await api.readApplications(textOf(application, 'organization'))
  const own = textOf(application, 'name')
  const others = neighbours.ok ? usersOf(name, neighbours.value).filter((other) => other !== own) : []
  if (others.length > 0) {
    const evidence = `${name} also signs for ${others.slice(0, 5).join(', ')}`
    seen.push({ id: 'key_not_dedicated', evidence })
  }
  return seen
}

/** Any program may listen there, so Casdoor takes it for every application. */
const loopbackUri = 'http://127.0.0.1/callback'

/** Asks for all that the application's metadata advertises, as some clients do. */
async function lookAtScopes(ask: Questions, application: CasdoorRecord): Promise<readonly Seen[]> {
  const own = rowsOf(application, 'scopes').map((row) => textOf(row, 'name'))
  if (own.length === 0) return [] // Everything is granted, which is worse.
  const scope = [...new Set([...oidcScopes.map(({ name }) => name), ...own])].join(' ')
  const clientId = textOf(application, 'clientId')
  const answer = await ask.login({ clientId, redirectUri: loopbackUri, scope })
  const refusal = refusalOf(answer)
  if (refusal === undefined || !refusal.includes('Invalid scope')) return []
  const missing = oidcScopes.map(({ name }) => name).filter((name) => !own.includes(name))
  return [{ id: 'advertised_scopes_refused', evidence: `not in scopes: ${missing.join(', ')}` }]
}

async function lookAtRedirects(
  ask: Questions,
  clientId: string,
  redirectUris: readonly string[],
): Promise<readonly Seen[]> {
  const refused: string[] = []
  for (const redirectUri of redirectUris.filter((uri) => !passesAnywhere(uri))) {
    const answer = await ask.login({ clientId, redirectUri, scope: '' })
    if (refusalOf(answer)?.startsWith('Redirect URI') === true) refused.push(redirectUri)
  }
  return refused.length === 0 ? [] : [{ id: 'redirect_refused', evidence: `refused: ${refused.join(', ')}` }]
}

/** The two that need no person, as far as they can be told from outside, and the one that is needed. */
async function lookAtGrants(ask: Questions, clientId: string): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  if (!(await isEnabled(ask, clientId, 'refresh_token'))) {
    seen.push({ id: 'refresh_impossible', evidence: 'the grant refresh_token is not enabled' })
  }
  const open: string[] = []
  for (const grant of grantsWithoutLogin.slice(0, 2)) {
    if (await isEnabled(ask, clientId, grant)) open.push(grant)
  }
  if (open.length > 0) seen.push({ id: 'grants_without_login', evidence: `enabled: ${open.join(', ')}` })
  return seen
}

async function isEnabled(ask: Questions, clientId: string, grant: string): Promise<boolean> {
  const read = readJsonObject(await ask.grant(clientId, grant), 'POST /api/login/oauth/access_token')
  return read.ok && textOf(read.value, 'error') !== 'unsupported_grant_type'
}

function refusalOf(answer: OutboundAnswer): string | undefined {
  const read = readEnvelope(answer, 'GET /api/get-app-login')
  if (read.ok || read.problem.code !== 'refused') return undefined
  return read.problem.message.split('says: ').at(-1)
}
