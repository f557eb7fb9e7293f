import type { Instance } from '../instance.ts'
import { idOf } from './table.ts'
import type { UserRow } from './user-row.ts'

const secondFactors = ['sms', 'email', 'app', 'radius', 'push'].map((mfaType) => ({
  enabled: false,
  isPreferred: false,
  mfaType,
  mfaRememberInHours: 0,
}))

/** A user with what other rows say of them: roles, permissions. */
export function withRoles(instance: Instance, user: UserRow): UserRow {
  const id = idOf(user)
  const roles = instance.roles.all().filter((role) => role.isEnabled && (role.users ?? []).includes(id))
  const roleIds = new Set(roles.map(idOf))
  const permissions = instance.permissions
    .all()
    .filter(
      ({ isEnabled, state, users, roles: named }) =>
        isEnabled &&
        state !== 'Pending' &&
        ((users ?? []).includes(id) || (named ?? []).some((role) => roleIds.has(role))),
    )
  const withoutUsers = <Row extends object>(row: Row): Row => ({ ...row, users: null })
  return {
    ...user,
    roles: roles.map(withoutUsers),
    permissions: permissions.map(withoutUsers),
    groups: user.groups ?? [],
  }
}

/** A user as the interface shows them. */
export function showUser(instance: Instance, user: UserRow, password: '' | '***'): UserRow {
  return { ...withRoles(instance, user), password, multiFactorAuths: secondFactors }
}
