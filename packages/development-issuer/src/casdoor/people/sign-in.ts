import { equalTexts } from '../../users.ts'
import type { ApplicationRow } from '../rows/application-row.ts'
import { showSigninMethods, signinLimitsOf } from '../rows/application-view.ts'
import type { Client } from '../rows/clients.ts'
import { formatTime, type Instance } from '../instance.ts'
import { idOf } from '../rows/table.ts'
import type { UserRow } from '../rows/user-row.ts'

export type SignedIn =
  | { readonly ok: true; readonly user: UserRow }
  | { readonly ok: false; readonly message: string }

/** Judges a name and a password. An e-mail address does for a name. */
export function judgePassword(
  instance: Instance,
  application: ApplicationRow,
  organization: string,
  name: string,
  password: string,
): SignedIn {
  const user = findUser(instance, organization, name)
  if (user === undefined) {
    return { ok: false, message: `The user: ${organization}/${name} doesn't exist` }
  }
  if (user.isForbidden) return forbidden
  const { failedSigninLimit: limit, failedSigninFrozenTime: minutes } = signinLimitsOf(application)
  const now = instance.nowSeconds()
  const frozenUntil = Date.parse(user.lastSigninWrongTime) / 1000 + minutes * 60
  const wrongTimes = now < frozenUntil ? user.signinWrongTimes : 0
  if (wrongTimes >= limit) return { ok: false, message: lockedMessage(minutes) }
  // A user without a password has none that fits.
  if (user.password !== '' && equalTexts(password, user.password)) {
    return { ok: true, user: change(instance, user, { signinWrongTimes: 0, lastSigninWrongTime: '' }) }
  }
  change(instance, user, { signinWrongTimes: wrongTimes + 1, lastSigninWrongTime: formatTime(now) })
  const chances = limit - wrongTimes - 1
  const message =
    chances > 0
      ? `password or code is incorrect, you have ${chances} remaining chances`
      : lockedMessage(minutes)
  return { ok: false, message }
}

const forbidden: SignedIn = {
  ok: false,
  message: 'The user is forbidden to sign in, please contact the administrator',
}

function lockedMessage(minutes: number): string {
  return `You have entered the wrong password or code too many times, please wait for ${minutes} minutes and try again`
}

function findUser(instance: Instance, organization: string, name: string): UserRow | undefined {
  const byName = instance.users.get(`${organization}/${name}`)
  if (byName !== undefined || name === '') return byName
  return instance.users.all().find(({ owner, email }) => owner === organization && email === name)
}

/** Whether a user who is known, by password or session, may use this application. */
export function judgeUser(instance: Instance, client: Client, user: UserRow): SignedIn {
  const { application } = client
  const isForeign = user.owner !== client.organization && !application.isShared && !isAdministrator(user)
  if (isForeign) return { ok: false, message: `The user: ${idOf(user)} doesn't exist` }
  if (user.isForbidden) return forbidden
  const tags = application.tags ?? []
  if (tags.length > 0 && !tags.includes(user.tag) && !isAdministrator(user)) {
    return { ok: false, message: `User's tag: ${user.tag} is not listed in the application's tags` }
  }
  if (!isPermitted(instance, application, user)) return { ok: false, message: 'Unauthorized operation' }
  const now = formatTime(instance.nowSeconds())
  const seen = { lastSigninTime: now, lastSigninIp: '127.0.0.1', updatedTime: now }
  return { ok: true, user: change(instance, user, seen) }
}

export function isAdministrator(user: UserRow): boolean {
  return user.owner === 'built-in'
}

/** Once a permission names the application, only those whom one allows may sign in. */
function isPermitted(instance: Instance, application: ApplicationRow, user: UserRow): boolean {
  const about = instance.permissions
    .all()
    .filter(
      ({ isEnabled, resourceType, resources }) =>
        isEnabled && resourceType === 'Application' && (resources ?? []).includes(application.name),
    )
  if (about.length === 0) return true
  const roles = instance.roles
    .all()
    .filter((role) => role.isEnabled && (role.users ?? []).includes(idOf(user)))
    .map(idOf)
  return about.some(
    (permission) =>
      permission.effect === 'Allow' &&
      ((permission.users ?? []).includes(idOf(user)) ||
        (permission.roles ?? []).some((role) => roles.includes(role))),
  )
}

/** Why nobody can sign in to an application with a password; undefined when they can. */
export function refusePasswords(application: ApplicationRow): string | undefined {
  if (application.disableSignin) {
    return `The application: ${application.name} has disabled users to signin`
  }
  return showSigninMethods(application).some(({ name }) => name === 'Password')
    ? undefined
    : 'The login method: login with password is not enabled for the application'
}

function change(instance: Instance, user: UserRow, members: Partial<UserRow>): UserRow {
  const changed = { ...user, ...members }
  instance.users.replace(idOf(user), changed)
  return changed
}
