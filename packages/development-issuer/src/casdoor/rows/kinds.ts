import { randomBytes, randomUUID } from 'node:crypto'
import {
  administer,
  type AnswerRoute,
  formatList,
  type Kind,
  unaffected,
  uniqueClash,
} from '../interface/administration.ts'
import { type ApplicationRow, emptyApplication } from './application-row.ts'
import { showApplication } from './application-view.ts'
import { generateCert } from '../keys/certificate.ts'
import { failed, ok } from '../interface/envelope.ts'
import { type GoJson, parseRow } from '../interface/go-json.ts'
import { formatTime, type Instance } from '../instance.ts'
import { emptyOrganization, type OrganizationRow } from './organization-row.ts'
import {
  type CertRow,
  emptyCert,
  emptyPermission,
  emptyRole,
  emptyToken,
  type PermissionRow,
  type RoleRow,
} from './small-rows.ts'
import { idOf, type Named } from './table.ts'
import { emptyUser, type UserRow } from './user-row.ts'
import { showUser } from './user-view.ts'

const good = <Row>(value: Row): GoJson<Row> => ({ ok: true, value })
const same = <Row>(_instance: Instance, row: Row): Row => row
const currency = 'USD'
/** A larger key would take minutes to make. */
const mostBits = 8192
const mostYears = 1000

const organizations: Kind<OrganizationRow> = {
  name: 'organization',
  goName: 'Organization',
  empty: emptyOrganization,
  table: (instance) => instance.organizations,
  // Twelve hours where nothing was said; seen here only.
  show: (_, row) => ({ ...row, mfaRememberInHours: row.mfaRememberInHours || 12 }),
  prepare: (_, row) => good({ ...row, balanceCurrency: row.balanceCurrency || currency }),
  revise: (_, row, before) =>
    idOf(row) === idOf(before)
      ? good(row)
      : { ok: false, message: 'This double of Casdoor does not rename organizations.' },
  clash: uniqueClash('organization'),
}

const certs: Kind<CertRow> = {
  name: 'cert',
  goName: 'Cert',
  empty: emptyCert,
  table: (instance) => instance.certs,
  show: same,
  prepare: fillCert,
  revise: fillCert,
  // A cert that is renamed stays that of its applications.
  follow: (instance, { name }, before) => {
    for (const row of instance.applications.all()) {
      if (row.cert === before.name) instance.applications.replace(idOf(row), { ...row, cert: name })
    }
  },
  clash: uniqueClash('cert'),
}

/** A cert without a pair gets one, also where it had another before. */
async function fillCert(instance: Instance, row: CertRow): Promise<GoJson<CertRow>> {
  if (row.certificate !== '' || row.privateKey !== '') return good(row)
  if (row.bitSize > mostBits || row.expireInYears > mostYears) {
    return {
      ok: false,
      message: `This double of Casdoor makes keys of ${mostBits} bits at most, for ${mostYears} years at most.`,
    }
  }
  const facts = {
    organization: row.owner,
    commonName: row.name,
    from: instance.nowSeconds(),
    years: row.expireInYears || 20,
  }
  return good({ ...row, ...(await generateCert(row.cryptoAlgorithm, row.bitSize, facts)) })
}

const applications: Kind<ApplicationRow> = {
  name: 'application',
  goName: 'Application',
  empty: emptyApplication,
  table: (instance) => instance.applications,
  show: (instance, row) => showApplication(instance, row, 'administrator'),
  prepare: (instance, row) => good(fillApplication(instance, row)),
  isTaken: (instance, { clientId }) =>
    instance.applications.all().some((other) => other.clientId === clientId),
  revise: (_, row, before) =>
    good({
      ...row,
      organizationObj: null,
      clientSecret: row.clientSecret === '***' ? before.clientSecret : row.clientSecret,
    }),
  clash: unaffected, // It says nothing of the row that was there already.
}

/** What an application has whose body said nothing of it: among that no lifetime, so that its tokens end at once. */
export function fillApplication(instance: Instance, row: ApplicationRow): ApplicationRow {
  const organization = instance.organizations.get(`admin/${row.organization}`)
  return {
    ...row,
    organizationObj: null,
    scopes: row.scopes ?? [],
    providers: row.providers ?? [],
    signupItems: row.signupItems ?? [],
    tags: row.tags ?? [],
    redirectUris: row.redirectUris ?? [],
    grantTypes: row.grantTypes ?? ['authorization_code'],
    tokenFormat: row.tokenFormat || organization?.defaultTokenFormat || 'JWT',
    clientId: row.clientId || randomBytes(10).toString('hex'),
    clientSecret: row.clientSecret || randomBytes(20).toString('hex'),
  }
}

const users: Kind<UserRow> = {
  name: 'user',
  goName: 'User',
  empty: emptyUser,
  table: (instance) => instance.users,
  show: (instance, row) => showUser(instance, row, '***'),
  prepare: (instance, row) => {
    const hasApplication = instance.applications.all().some(({ organization }) => organization === row.owner)
    if (!hasApplication) {
      return { ok: false, message: `The organization: ${row.owner} should have one application at least` }
    }
    return good({ ...fillUser(instance, row), registerType: 'Add User' })
  },
  revise: (_, row, before) =>
    good({
      ...row,
      id: row.id || before.id,
      password: ['', '***'].includes(row.password) ? before.password : row.password,
    }),
  follow: (instance, row, before) => {
    if (row.isForbidden || row.isDeleted) instance.tokens.endOf(idOf(before))
  },
  clash: failed('Username already exists'),
  forget: (instance, row) => instance.tokens.endOf(idOf(row)),
}

/** What a user has of whom nothing else was said. */
export function fillUser(instance: Instance, row: UserRow): UserRow {
  const now = formatTime(instance.nowSeconds())
  const organization = instance.organizations.get(`admin/${row.owner}`)
  const inOrganization = instance.users.all().filter(({ owner }) => owner === row.owner).length
  return {
    ...row,
    id: row.id || randomUUID(),
    createdTime: row.createdTime || now,
    updatedTime: now,
    passwordSalt: row.passwordSalt || randomBytes(10).toString('hex'),
    passwordType: organization?.passwordType ?? '',
    ranking: row.ranking || inOrganization + 1,
    balanceCurrency: row.balanceCurrency || currency,
  }
}

/** A kind of which nothing is made up, shown otherwise, or checked. */
function plainKind<Row extends Named>(
  name: string,
  goName: string,
  empty: Row,
  table: Kind<Row>['table'],
): Kind<Row> {
  const asGiven = (_instance: Instance, row: Row): GoJson<Row> => good(row)
  return {
    name,
    goName,
    empty,
    table,
    show: same,
    prepare: asGiven,
    revise: asGiven,
    clash: uniqueClash(name),
  }
}

const roles = plainKind<RoleRow>('role', 'Role', emptyRole, (instance) => instance.roles)
const permissions = plainKind<PermissionRow>(
  'permission',
  'Permission',
  emptyPermission,
  (instance) => instance.permissions,
)

/** `GET get-organization-applications`: the applications of one organization, whoever owns them. */
const listApplicationsOf: AnswerRoute = (instance, call) => {
  const organization = call.query.get('organization') ?? ''
  const rows = instance.applications.all().filter((row) => row.organization === organization)
  return formatList(rows, call, (row) => showApplication(instance, row, 'administrator'))
}

const listTokens: AnswerRoute = (instance, call) => {
  const organization = call.query.get('organization') ?? ''
  const rows = instance.tokens.all().filter((row) => organization === '' || row.organization === organization)
  return formatList(rows, call, (row) => row)
}

const deleteToken: AnswerRoute = (instance, call) => {
  const parsed = parseRow(call.body, emptyToken, 'Token')
  if (!parsed.ok) return failed(parsed.message)
  return instance.tokens.remove(idOf(parsed.value)) === undefined ? unaffected : ok('Affected')
}

/** What administrators may call below `/api/`, by method and name. */
export const administration: ReadonlyMap<string, AnswerRoute> = new Map([
  ...administer(organizations),
  ...administer(certs),
  ...administer(applications),
  ...administer(users),
  ...administer(roles),
  ...administer(permissions),
  ['GET get-organization-applications', listApplicationsOf],
  ['GET get-tokens', listTokens],
  ['POST delete-token', deleteToken],
  // A build that nobody released; releases say their version.
  ['GET get-version-info', () => ok({ version: 'dev', commitId: 'unknown', commitOffset: 0 })],
])
