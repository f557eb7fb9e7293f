import type { ApplicationRow } from './rows/application-row.ts'
import type { Devices } from './grants/devices.ts'
import type { OrganizationRow } from './rows/organization-row.ts'
import type { CertRow, PermissionRow, RoleRow } from './rows/small-rows.ts'
import type { Table } from './rows/table.ts'
import type { TokenRows } from './rows/token-rows.ts'
import type { UserRow } from './rows/user-row.ts'

/** Everything that an instance knows. Rows are replaced, never changed. */
export interface Instance {
  /** What Casdoor calls `origin`; undefined where every request's `Host` decides. */
  readonly origin: string | undefined
  readonly nowSeconds: () => number
  readonly organizations: Table<OrganizationRow>
  readonly certs: Table<CertRow>
  readonly applications: Table<ApplicationRow>
  readonly users: Table<UserRow>
  readonly roles: Table<RoleRow>
  readonly permissions: Table<PermissionRow>
  readonly tokens: TokenRows
  readonly devices: Devices
  readonly autoLogin: string | undefined
  readonly autoConsent: boolean
  readonly deliverLogoutToken: (delivery: LogoutDelivery) => void
}

/** A logout token on its way to an application. */
export interface LogoutDelivery {
  /** Where Casdoor would post it, as the form field `logout_token`. */
  readonly uri: string
  readonly logoutToken: string
}

/** A time as rows have it. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+/, '')
}
