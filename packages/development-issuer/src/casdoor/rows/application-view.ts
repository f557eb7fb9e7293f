import { type ApplicationRow, hiddenOfApplication, type SigninMethodRow } from './application-row.ts'
import type { Instance } from '../instance.ts'
import { hiddenOfOrganization, type OrganizationRow } from './organization-row.ts'

/** Wrong passwords until the user is locked, and minutes until they are not: an application may say otherwise. */
const defaultSigninLimit = 5
const defaultFrozenMinutes = 15

export type Viewer = 'administrator' | 'anybody'

const faceOnly: readonly SigninMethodRow[] = [{ name: 'Face ID', displayName: 'Face ID', rule: 'None' }]
const password: SigninMethodRow = { name: 'Password', displayName: 'Password', rule: 'All' }

/** How to sign in: the rows, or what follows from the switches where there are none. */
export function showSigninMethods(application: ApplicationRow): readonly SigninMethodRow[] {
  const { signinMethods, enablePassword } = application
  if (signinMethods !== null && signinMethods.length > 0) return signinMethods
  return enablePassword ? [password, ...faceOnly] : faceOnly
}

/** After how many wrong passwords a user is locked, and for how many minutes. */
export function signinLimitsOf(
  application: ApplicationRow,
): Pick<ApplicationRow, 'failedSigninLimit' | 'failedSigninFrozenTime'> {
  const { failedSigninLimit: limit, failedSigninFrozenTime: minutes } = application
  return {
    failedSigninLimit: limit === 0 ? defaultSigninLimit : limit,
    failedSigninFrozenTime: minutes === 0 ? defaultFrozenMinutes : minutes,
  }
}

/** An application as the interface shows it, its organization put in. */
export function showApplication(
  instance: Instance,
  application: ApplicationRow,
  viewer: Viewer,
): ApplicationRow {
  const organization = instance.organizations.get(`admin/${application.organization}`)
  return {
    ...application,
    signinMethods: showSigninMethods(application),
    signinItems: application.signinItems ?? [],
    organizationObj: organization === undefined ? null : showOrganization(organization, viewer),
    tokenFields: application.tokenFields ?? [],
    ...signinLimitsOf(application),
    ...(viewer === 'anybody' && hiddenOfApplication),
  }
}

export function showOrganization(organization: OrganizationRow, viewer: Viewer): OrganizationRow {
  return { ...organization, ...(viewer === 'anybody' && hiddenOfOrganization) }
}
