import type { ApplicationRow } from './rows/application-row.ts'
import type { LogoutDelivery } from './instance.ts'
import type { OrganizationRow } from './rows/organization-row.ts'
import type { CertRow, PermissionRow, RoleRow } from './rows/small-rows.ts'
import type { UserRow } from './rows/user-row.ts'

type Given<Row, Needed extends keyof Row> = Partial<Row> & Pick<Row, Needed>

/** Rows that an instance begins with, beside those that every instance has. What is left out is empty. */
export interface CasdoorData {
  readonly organizations?: readonly Given<OrganizationRow, 'name'>[]
  /** Without a pair, one is made. */
  readonly certs?: readonly Given<CertRow, 'name'>[]
  /** Client id and secret are made up where they are left out. */
  readonly applications?: readonly Given<ApplicationRow, 'name' | 'organization'>[]
  /** `owner` is the organization; passwords are kept as they are. */
  readonly users?: readonly Given<UserRow, 'owner' | 'name'>[]
  readonly roles?: readonly Given<RoleRow, 'owner' | 'name'>[]
  readonly permissions?: readonly Given<PermissionRow, 'owner' | 'name'>[]
}

export interface CasdoorOptions {
  /**
   * Casdoor's own setting: the issuer and the base of every endpoint, without a final slash.
   *
   * @defaultValue taken from the `Host` of each request, as Casdoor does
   */
  readonly origin?: string
  /** @defaultValue an instance as after its first start: `built-in`, its administrator `admin` with password `123` */
  readonly data?: CasdoorData
  /** The name of the application that tokens are minted for without a login. @defaultValue the first of the data */
  readonly application?: string
  /** Every request is signed in as this user, `organization/name`. @defaultValue nobody */
  readonly autoLogin?: string
  /** Nobody is asked for consent. @defaultValue false */
  readonly autoConsent?: boolean
  /** Epoch seconds. @defaultValue the machine's clock */
  readonly nowSeconds?: () => number
  /** Takes the logout tokens that Casdoor would post; the double opens no connection. @defaultValue dropped */
  readonly deliverLogoutToken?: (delivery: LogoutDelivery) => void
  /** Told of every answer that could not be made. @defaultValue nobody */
  readonly onServerError?: (error: Error) => void
}

const optionNames = [
  'origin',
  'data',
  'application',
  'autoLogin',
  'autoConsent',
  'nowSeconds',
  'deliverLogoutToken',
  'onServerError',
]
const dataNames = ['organizations', 'certs', 'applications', 'users', 'roles', 'permissions']

/** @throws {TypeError} that lists every mistake */
export function checkOptions(options: CasdoorOptions): void {
  const { origin, data = {}, application, autoLogin } = options
  const mistakes = [
    ...unknownNames(Object.keys(options), optionNames),
    ...unknownNames(Object.keys(data), dataNames).map((mistake) => `data.${mistake}`),
  ]
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).origin !== origin)) {
    mistakes.push('origin: must be an origin alone, such as http://127.0.0.1:8000, without a final slash.')
  }
  if (application !== undefined && !(data.applications ?? []).some(({ name }) => name === application)) {
    mistakes.push(`application: "${application}" is not one of data.applications.`)
  }
  if (
    autoLogin !== undefined &&
    !(data.users ?? []).some((user) => `${user.owner}/${user.name}` === autoLogin)
  ) {
    mistakes.push(`autoLogin: "${autoLogin}" is not one of data.users.`)
  }
  if (mistakes.length > 0) {
    throw new TypeError(
      `The double of Casdoor was given options that cannot be used:\n${mistakes.join('\n')}`,
    )
  }
}

function unknownNames(names: readonly string[], known: readonly string[]): string[] {
  return names.filter((name) => !known.includes(name)).map((name) => `${name}: unknown option.`)
}
