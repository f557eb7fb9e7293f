import { ownerOfAll } from '../api.ts'
import { lifetimes } from '../lifetimes.ts'
import { textOf, type CasdoorRecord } from '../records.ts'
import { shadowingClaims } from '../token-contents.ts'
import type { Seen } from './judge-application.ts'
import { findKeyMisfit, otherKindOfToken, secretClaimsOf, type SampleToken } from './sample-token.ts'

/** What a sample is compared with. */
export interface TokenExpectation {
  /** What Casdoor calls itself: where that differs from its URL is another finding. */
  readonly issuer: string
  /** Undefined when no application is looked at. */
  readonly application: CasdoorRecord | undefined
  readonly keys: readonly CasdoorRecord[]
  /** The URL of the server; undefined when it is not known. */
  readonly resource: string | undefined
  readonly nowSeconds: number
}

const largeBytes = 4096

/** Judges a token by what it says, and its signature by the keys that are published now. */
export async function judgeToken(token: SampleToken, expected: TokenExpectation): Promise<readonly Seen[]> {
  const otherKind = otherKindOfToken(token)
  // Of another kind of token nothing else is worth saying.
  if (otherKind !== undefined) return [{ id: 'sample_no_access_token', evidence: otherKind }]
  const seen: Seen[] = [
    ...judgeContents(token),
    ...judgeTimes(token.claims, expected.nowSeconds),
    ...judgeOrigin(token.claims, expected),
    ...judgeAudience(token.claims, expected),
  ]
  if (expected.keys.length > 0) {
    const misfit = await findKeyMisfit(token, expected.keys)
    if (misfit !== undefined) {
      const id = misfit.kind === 'key' ? 'sample_key_unknown' : 'signing_method_differs'
      seen.push({ id, evidence: misfit.evidence })
    }
  }
  return seen
}

function judgeContents(token: SampleToken): readonly Seen[] {
  const seen: Seen[] = []
  const { claims, bytes } = token
  const secret = secretClaimsOf(token)
  const shadowing = shadowingClaims(claims)
  if (secret.length > 0) {
    seen.push({
      id: 'token_carries_record',
      evidence: `the sample has ${secret.join(', ')}, in ${Object.keys(claims).length} claims and ${bytes} bytes`,
    })
  } else if (bytes > largeBytes) {
    seen.push({ id: 'sample_large', evidence: `it has ${bytes} bytes` })
  }
  if (shadowing.length > 0) {
    seen.push({ id: 'attribute_shadows_user', evidence: `the sample has names in ${shadowing.join(', ')}` })
  }
  if (textOf(claims, 'owner') === '') {
    seen.push({ id: 'owner_not_in_token', evidence: 'the sample has no owner' })
  }
  if (textOf(claims, 'scope') === '')
    seen.push({ id: 'sample_without_scope', evidence: 'its scope is empty' })
  return seen
}

function judgeTimes(claims: CasdoorRecord, now: number): readonly Seen[] {
  const { exp, iat } = claims
  if (typeof exp !== 'number' || typeof iat !== 'number') {
    return [{ id: 'sample_no_access_token', evidence: 'it does not say when it was made and when it ends' }]
  }
  if (exp <= iat)
    return [{ id: 'tokens_end_at_once', evidence: 'the sample ends in the second it was made in' }]
  const hours = (exp - iat) / 3600
  const seen: Seen[] = []
  if (hours > lifetimes.longestAccess) {
    seen.push({ id: 'tokens_last_long', evidence: `the sample lasts ${Math.round(hours)} hours` })
  }
  if (exp <= now) seen.push({ id: 'sample_ended', evidence: `on ${new Date(exp * 1000).toISOString()}` })
  return seen
}

function judgeOrigin(claims: CasdoorRecord, { issuer, application }: TokenExpectation): readonly Seen[] {
  const seen: Seen[] = []
  const named = textOf(claims, 'iss')
  if (named !== issuer) {
    seen.push({
      id: 'sample_issuer_differs',
      evidence: `its iss is ${shown(named)}, the metadata has ${issuer}`,
    })
  }
  if (application === undefined) return seen
  const client = textOf(claims, 'azp')
  const clientId = textOf(application, 'clientId')
  if (client !== clientId) {
    const evidence = `its azp is ${shown(client)}, the application's ${shown(clientId)}`
    seen.push({ id: 'sample_client_differs', evidence })
  }
  const owner = textOf(claims, 'owner')
  const organization = textOf(application, 'organization')
  // Tokens of machines belong to nobody's organization; what is wrong with them is their audience.
  if (![organization, ownerOfAll, ''].includes(owner)) {
    seen.push({
      id: 'sample_organization_differs',
      evidence: `its owner is ${shown(owner)}, not ${organization}`,
    })
  }
  return seen
}

function judgeAudience(claims: CasdoorRecord, { resource }: TokenExpectation): readonly Seen[] {
  const { aud } = claims
  const audiences = (Array.isArray(aud) ? aud : [aud]).filter((entry) => typeof entry === 'string')
  const client = textOf(claims, 'azp')
  const named = audiences.map(shown).join(', ') || 'nobody'
  const shared = audiences.find((entry) => entry.startsWith(`${client}-org-`))
  const seen: Seen[] = []
  if (shared !== undefined) {
    seen.push({ id: 'application_shared', evidence: `aud of the sample is ${shown(shared)}` })
  }
  if (resource !== undefined && !audiences.includes(resource)) {
    const evidence = `its aud is ${named}, the server ${resource}`
    seen.push({ id: 'sample_audience_differs', evidence })
  } else if (resource === undefined && audiences.every((entry) => entry === client || entry === shared)) {
    seen.push({ id: 'sample_audience_differs', evidence: `its aud is the client itself, ${named}` })
  }
  return seen
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
