import { isUsableRefresh, lifetimes } from '../lifetimes.ts'
import { builtInOrganization } from '../administrator.ts'
import {
  isMasked,
  isOn,
  isRecord,
  numberOf,
  rowsOf,
  textOf,
  textsOf,
  type CasdoorRecord,
} from '../records.ts'
import { oidcScopes } from '../oidc-scopes.ts'
import { canSomebodySignIn } from '../setup/plan-application.ts'
import { storesPlainPasswords } from '../setup/plan-people.ts'
import { customFormat, shadowingAttributes, tokenFormats, wholeRecordFormat } from '../token-contents.ts'
import type { FindingId } from './finding.ts'

/** A finding without its unchanging words. */
export interface Seen {
  readonly id: FindingId
  readonly evidence: string
}

/** Judges what everybody may see of an application, whoever reads it. */
export function judgeVisible(application: CasdoorRecord): readonly Seen[] {
  const seen: Seen[] = []
  const organization = textOf(application, 'organization')
  const tags = textsOf(application, 'tags')
  const scopes = rowsOf(application, 'scopes').map((row) => textOf(row, 'name'))
  const asked = rowsOf(application, 'customScopes').map((row) => textOf(row, 'scope'))
  const oidc = oidcScopes.map(({ name }) => name)
  const unasked = scopes.filter((name) => !asked.includes(name) && !oidc.includes(name))

  if (organization === builtInOrganization) {
    seen.push({ id: 'organization_built_in', evidence: `its organization is ${organization}` })
  }
  if (isOn(application, 'isShared')) seen.push({ id: 'application_shared', evidence: 'isShared is on' })
  if (isOn(application, 'disableSignin')) {
    seen.push({ id: 'sign_in_impossible', evidence: 'disableSignin is on' })
  } else if (!canSomebodySignIn(application)) {
    seen.push({
      id: 'sign_in_impossible',
      evidence: 'there is no sign-in method but Face ID, and no provider',
    })
  }
  if (isOn(application, 'enableAutoSignin')) {
    seen.push({ id: 'sign_in_automatic', evidence: 'enableAutoSignin is on' })
  }
  if (isOn(application, 'enableSignUp')) seen.push({ id: 'sign_up_open', evidence: 'enableSignUp is on' })
  if (tags.length > 0) seen.push({ id: 'tags_required', evidence: `tags: ${tags.join(', ')}` })
  if (scopes.length === 0) seen.push({ id: 'scopes_unlimited', evidence: 'scopes is empty' })
  if (unasked.length > 0) {
    seen.push({ id: 'consent_not_asked', evidence: `customScopes has no row for ${unasked.join(', ')}` })
  }
  if (/[^A-Za-z0-9]/.test(textOf(application, 'clientId'))) {
    seen.push({
      id: 'client_id_needs_encoding',
      evidence: `the client id is ${textOf(application, 'clientId')}`,
    })
  }
  return seen
}

/** Judges what only administrators see. Nothing, when the application is shown as everybody sees it. */
export function judgeHidden(application: CasdoorRecord): readonly Seen[] {
  if (isMasked(application)) return []
  return [...judgeTokens(application), ...judgeLifetimes(application), ...judgeGrants(application)]
}

function judgeTokens(application: CasdoorRecord): readonly Seen[] {
  const seen: Seen[] = []
  const format = textOf(application, 'tokenFormat')
  const shadowing = shadowingAttributes(application).map((row) => textOf(row, 'name'))
  if (format === wholeRecordFormat) {
    seen.push({ id: 'token_carries_record', evidence: `tokenFormat is ${format}` })
  } else if (!tokenFormats.includes(format)) {
    seen.push({ id: 'token_format_unknown', evidence: `tokenFormat is "${format}"` })
  } else if (format !== customFormat) {
    seen.push({ id: 'token_not_custom', evidence: `tokenFormat is ${format}` })
  } else if (!textsOf(application, 'tokenFields').includes('Owner')) {
    seen.push({ id: 'owner_not_in_token', evidence: 'tokenFields has no Owner' })
  }
  if (shadowing.length > 0) {
    seen.push({ id: 'attribute_shadows_user', evidence: `tokenAttributes has ${shadowing.join(', ')}` })
  }
  const organization = application['organizationObj']
  if (isRecord(organization) && storesPlainPasswords(organization)) {
    const type = textOf(organization, 'passwordType')
    seen.push({ id: 'passwords_stored_plain', evidence: `passwordType is "${type}"` })
  }
  return seen
}

function judgeLifetimes(application: CasdoorRecord): readonly Seen[] {
  const access = numberOf(application, 'expireInHours')
  const refresh = numberOf(application, 'refreshExpireInHours')
  if (access <= 0) return [{ id: 'tokens_end_at_once', evidence: `expireInHours is ${access}` }]
  if (access > lifetimes.longestAccess || refresh > lifetimes.longestRefresh) {
    const evidence = `expireInHours is ${access}, refreshExpireInHours ${refresh}`
    return [{ id: 'tokens_last_long', evidence }]
  }
  return []
}

/** Grants for which nobody has to come to the login page. */
export const grantsWithoutLogin: readonly string[] = [
  'password',
  'client_credentials',
  'token',
  'id_token',
  'urn:ietf:params:oauth:grant-type:token-exchange',
]

function judgeGrants(application: CasdoorRecord): readonly Seen[] {
  const grants = textsOf(application, 'grantTypes')
  const access = numberOf(application, 'expireInHours')
  const refresh = numberOf(application, 'refreshExpireInHours')
  const without = grants.filter((grant) => grantsWithoutLogin.includes(grant))
  const seen: Seen[] = []
  if (!grants.includes('refresh_token')) {
    seen.push({ id: 'refresh_impossible', evidence: 'grantTypes has no refresh_token' })
  } else if (access > 0 && !isUsableRefresh(Math.min(refresh, lifetimes.longestRefresh), access)) {
    const evidence = `refreshExpireInHours is ${refresh}, expireInHours ${access}`
    seen.push({ id: 'refresh_impossible', evidence })
  }
  if (without.length > 0) {
    seen.push({ id: 'grants_without_login', evidence: `grantTypes has ${without.join(', ')}` })
  }
  return seen
}
