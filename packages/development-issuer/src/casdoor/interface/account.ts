import { showOrganization } from '../rows/application-view.ts'
import type { Call } from './call.ts'
import { type Answer, failed, ok } from './envelope.ts'
import type { Instance } from '../instance.ts'
import type { Principal } from './principal.ts'
import { showUser, withRoles } from '../rows/user-view.ts'

/** `GET /api/userinfo`: claims by scope, for access tokens of any audience; errors have status 200. */
export function answerUserinfo(instance: Instance, principal: Principal, call: Call): Answer {
  if (principal.kind !== 'user') return failed('Please login first', 'Please login first')
  const row = instance.users.get(principal.user)
  if (row === undefined) return { ...noSuchUser(principal.user), endsSession: true }
  const user = withRoles(instance, row)
  const { token } = principal
  const scopes = (token?.scope ?? 'profile').split(' ')
  const application = instance.applications.get(`admin/${token?.application ?? ''}`)
  const roles = (user.roles ?? []).flatMap(({ name }) => name ?? [])
  const permissions = (user.permissions ?? []).flatMap(({ name }) => name ?? [])
  return {
    status: 200,
    body: {
      sub: user.id,
      iss: call.issuer,
      aud: application?.clientId ?? '',
      ...(scopes.includes('profile') && {
        preferred_username: user.name,
        name: user.displayName,
        ...(user.avatar !== '' && { picture: user.avatar }),
      }),
      ...(scopes.includes('email') && { email: user.email, email_verified: true }),
      ...(scopes.includes('address') && { address: user.location }),
      ...(scopes.includes('phone') && { phone: user.phone }),
      ...(scopes.includes('profile') && roles.length > 0 && { roles }),
      ...(scopes.includes('profile') && permissions.length > 0 && { permissions }),
    },
  }
}

/** `GET /api/get-account`: the caller's whole record. */
export function answerAccount(instance: Instance, principal: Principal): Answer {
  if (principal.kind !== 'user') return failed('Please login first', 'Please login first')
  const user = instance.users.get(principal.user)
  if (user === undefined) return noSuchUser(principal.user)
  const organization = instance.organizations.get(`admin/${user.owner}`)
  return ok(showUser(instance, user, ''), {
    sub: user.id,
    name: user.name,
    data2: organization && showOrganization(organization, 'anybody'),
  })
}

function noSuchUser(id: string): Answer {
  return failed(`The user: ${id} doesn't exist`)
}
