import { done, failed, quoted, type Result } from '../problems.ts'
import { isMasked, isOn, numberOf, rowsOf, textOf, textsOf, type CasdoorRecord } from '../records.ts'
import { isUsableAccess, isUsableRefresh, lifetimes } from '../lifetimes.ts'
import { oidcScopes } from '../oidc-scopes.ts'
import { passesAnywhere } from '../redirect-uris.ts'
import { chosenFields, customFormat, groupsField, roleNames, shadowingAttributes } from '../token-contents.ts'
import type { SigningCertificate } from './certificate.ts'
import type { WantedState } from './options.ts'
import { planAddition, planUpdate, type ObjectPlan } from './plan.ts'

const neededGrants = ['authorization_code', 'refresh_token']
const passwordMethod = { name: 'Password', displayName: 'Password', rule: 'All' }
/** So that the stored secret stays, and does not travel. */
const keptSecret = '***'

/**
 * Plans the application.
 *
 * Lists grow and lose nothing; a member is corrected only where tokens would otherwise be useless or unsafe.
 */
export function planApplication(
  current: CasdoorRecord | undefined,
  wanted: WantedState,
  certificate: SigningCertificate,
): Result<ObjectPlan> {
  if (current === undefined) {
    return done(planAddition('application', wanted.application, newApplication(wanted, certificate)))
  }
  if (isMasked(current)) {
    return failed(
      'not_allowed',
      `The application ${wanted.application} is shown to these credentials only as everybody sees it, with most of it left out. Writing that back would destroy it. Use credentials that administer this Casdoor.`,
    )
  }
  const organization = textOf(current, 'organization')
  if (organization !== wanted.organization) {
    return failed(
      'in_the_way',
      `The application ${wanted.application} belongs to the organization ${quoted(organization)}, not to ${wanted.organization}: its users are others. Name that organization, or another application.`,
    )
  }
  const plan = planUpdate(
    'application',
    wanted.application,
    current,
    corrected(current, wanted, certificate),
    noticesFor(current, certificate),
  )
  // What Casdoor adds when it is read is no part of the application.
  const { organizationObj: _organization, ...body } = plan.body
  return done({ ...plan, body: { ...body, clientSecret: keptSecret } })
}

/** Client id and secret are left out: Casdoor makes them, of letters and digits that need no encoding anywhere. */
function newApplication(wanted: WantedState, certificate: SigningCertificate): CasdoorRecord {
  const { application, organization, scopes } = wanted
  return {
    owner: 'admin',
    name: application,
    organization,
    displayName: application,
    category: 'Agent',
    type: 'MCP',
    cert: certificate.name,
    tags: [],
    grantTypes: neededGrants,
    redirectUris: listedUris(wanted),
    enablePassword: true,
    enableSignUp: false,
    tokenFormat: customFormat,
    tokenSigningMethod: certificate.cryptoAlgorithm,
    tokenFields: wantedFields(wanted),
    ...(wanted.roles && { tokenAttributes: [roleNames] }),
    expireInHours: lifetimes.access,
    refreshExpireInHours: lifetimes.refresh,
    scopes: scopeRows([], scopes),
    customScopes: consentRows([], scopes),
    signinMethods: [passwordMethod],
    providers: [],
    signupItems: [],
  }
}

function corrected(
  current: CasdoorRecord,
  wanted: WantedState,
  certificate: SigningCertificate,
): CasdoorRecord {
  const access = numberOf(current, 'expireInHours')
  const expireInHours = isUsableAccess(access) ? access : lifetimes.access
  const refresh = numberOf(current, 'refreshExpireInHours')
  return {
    category: 'Agent',
    type: 'MCP',
    cert: certificate.name,
    grantTypes: united(textsOf(current, 'grantTypes'), neededGrants),
    redirectUris: united(textsOf(current, 'redirectUris'), listedUris(wanted)),
    tokenFormat: customFormat,
    tokenSigningMethod: certificate.cryptoAlgorithm,
    tokenFields: united(textsOf(current, 'tokenFields'), wantedFields(wanted)),
    ...(wanted.roles && { tokenAttributes: attributesWithRoles(current) }),
    expireInHours,
    refreshExpireInHours: isUsableRefresh(refresh, expireInHours) ? refresh : lifetimes.refresh,
    scopes: scopeRows(rowsOf(current, 'scopes'), wanted.scopes),
    customScopes: consentRows(rowsOf(current, 'customScopes'), wanted.scopes),
    ...(!canSomebodySignIn(current) && {
      enablePassword: true,
      signinMethods: [...rowsOf(current, 'signinMethods'), passwordMethod],
    }),
  }
}

/** Whether a person has a way to prove who they are. Face ID is what Casdoor fills in where nobody chose one. */
export function canSomebodySignIn(application: CasdoorRecord): boolean {
  const chosen = rowsOf(application, 'signinMethods').some((row) => textOf(row, 'name') !== 'Face ID')
  return chosen || rowsOf(application, 'providers').length > 0
}

function noticesFor(current: CasdoorRecord, certificate: SigningCertificate): readonly string[] {
  const notices: string[] = []
  const before = textOf(current, 'cert')
  if (before !== certificate.name) {
    notices.push(
      `The application signed with ${before === '' ? "the instance's default certificate" : before}: tokens that it has issued until now end with this change, and everybody logs in again.`,
    )
  }
  if (isOn(current, 'isShared')) {
    notices.push(
      'The application is shared between organizations (isShared), so that users of others can log in too. It is left so.',
    )
  }
  return notices
}

/** Those that pass for every application would only make the list longer. */
function listedUris({ redirectUris }: WantedState): readonly string[] {
  return redirectUris.filter((redirectUri) => !passesAnywhere(redirectUri))
}

function wantedFields({ roles }: WantedState): readonly string[] {
  return roles ? [...chosenFields, groupsField] : chosenFields
}

/** One that shadows the roles of the user is given the name that does not; others stay. */
function attributesWithRoles(current: CasdoorRecord): readonly CasdoorRecord[] {
  const shadowing = shadowingAttributes(current).filter((row) => textOf(row, 'value') === roleNames.value)
  const kept = rowsOf(current, 'tokenAttributes').filter(
    (row) => !shadowing.includes(row) && textOf(row, 'name') !== roleNames.name,
  )
  const ours = rowsOf(current, 'tokenAttributes').find((row) => textOf(row, 'name') === roleNames.name)
  return [...kept, { ...ours, ...roleNames }]
}

function scopeRows(
  current: readonly CasdoorRecord[],
  scopes: WantedState['scopes'],
): readonly CasdoorRecord[] {
  const asked = [...scopes, ...oidcScopes.map((scope) => ({ ...scope, tools: [] }))]
  return mergedRows(
    'name',
    current,
    asked.map(({ name, displayName, tools }) => ({
      fixed: { name, ...(tools.length > 0 && { tools }) },
      usual: { displayName, description: '', tools },
    })),
  )
}

function consentRows(
  current: readonly CasdoorRecord[],
  scopes: WantedState['scopes'],
): readonly CasdoorRecord[] {
  return mergedRows(
    'scope',
    current,
    scopes.map(({ name, displayName }) => ({
      fixed: { scope: name },
      usual: { displayName, description: '' },
    })),
  )
}

interface WantedRow {
  /** Must be so. */
  readonly fixed: CasdoorRecord
  /** For a new row; what somebody has written stays. */
  readonly usual: CasdoorRecord
}

/** Rows that are there keep their place, their words and the order of these; missing ones come after them. */
function mergedRows(
  key: string,
  current: readonly CasdoorRecord[],
  wanted: readonly WantedRow[],
): readonly CasdoorRecord[] {
  const wantedOf = new Map(wanted.map((row) => [row.fixed[key], row]))
  const kept = current.map((row) => {
    const found = wantedOf.get(row[key])
    return found === undefined ? row : { ...row, ...found.usual, ...row, ...found.fixed }
  })
  const there = new Set(current.map((row) => row[key]))
  const missing = wanted.filter(({ fixed }) => !there.has(fixed[key]))
  return [...kept, ...missing.map(({ fixed, usual }) => ({ [key]: fixed[key], ...usual, ...fixed }))]
}

function united(current: readonly string[], wanted: readonly string[]): readonly string[] {
  return [...new Set([...current, ...wanted])]
}
