import {
  type Configuration,
  errors,
  type Grant,
  interactionPolicy,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { type Account, divideScopes, type Login } from './login.ts'
import type { Unattended } from './options.ts'
import { completeScope, type ProtectedResource, type Resources } from './resources.ts'

/** What oidc-provider asks about a resource: its scopes, and how its access tokens look. */
export interface ResourceServerDescription {
  scope: string
  audience: string
  accessTokenFormat: 'jwt'
  jwt: { sign: { alg: 'RS256' } }
}

/** @throws {errors.InvalidTarget} when no such resource is registered */
export function describeResource(resources: Resources, identifier: string): ResourceServerDescription {
  const resource = resources.find(identifier)
  if (resource === undefined) throw new errors.InvalidTarget('no such protected resource is known here')
  return {
    scope: resource.scopes.join(' '),
    audience: resource.resource,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  }
}

/** Chooses for a request that names no resource, or a token request for one of several (`oneOf`). */
export function chooseResource(
  context: KoaContextWithOIDC,
  resources: Resources,
  oneOf: readonly string[] | undefined,
): string | readonly string[] | undefined {
  if (oneOf !== undefined) return oneOf
  if (resources.byDefault !== undefined) return resources.byDefault.resource
  // At the token endpoint the resource is that of the code or refresh token.
  if (context.oidc.route === 'token') return undefined
  throw new errors.InvalidTarget('the request must say which resource it is for')
}

/** Longer than any client needs: some put a whole encrypted request in there, of one or two KiB. */
const maxStateCharacters = 4096

/** Gives a valid authorization request the scopes that it left out and, unattended, the person. */
export function completeRequest(
  context: KoaContextWithOIDC,
  resources: Resources,
  unattended: Unattended,
): void {
  const { params, session } = context.oidc
  if (params === undefined) return
  if (typeof params['state'] === 'string' && params['state'].length > maxStateCharacters) {
    throw new errors.InvalidRequest(`state must not be longer than ${maxStateCharacters} characters`)
  }
  const requested = Object.keys(context.oidc.resourceServers ?? {})
    .map((identifier) => resources.find(identifier))
    .filter((resource): resource is ProtectedResource => resource !== undefined)
  const scope = typeof params['scope'] === 'string' ? params['scope'] : undefined
  const completed = completeScope(scope, requested)
  if (!completed.ok) {
    throw new errors.InvalidScope('none of the requested scopes is known here', completed.unknown.join(' '))
  }
  params['scope'] = completed.scope

  if (unattended.subject !== undefined && session !== undefined) {
    session.loginAccount({ accountId: unattended.subject })
  }
  const answered = [
    ...(unattended.subject === undefined ? [] : ['login']),
    ...(unattended.consent === true ? ['consent'] : []),
  ]
  if (answered.length > 0 && typeof params['prompt'] === 'string') {
    const left = params['prompt'].split(' ').filter((prompt) => !answered.includes(prompt))
    params['prompt'] = left.length === 0 ? undefined : left.join(' ')
  }
}

/** When a person is asked, and which grant a request may use. */
export interface Asking {
  readonly policy: interactionPolicy.DefaultPolicy
  readonly loadExistingGrant: NonNullable<Configuration['loadExistingGrant']>
}

/**
 * Asks who is there unless the browser is logged in, and asks for consent every time, since only a grant of this very
 * request counts: anyone may register under any name (RFC 8252 §8.6).
 */
export function askPerson(): Asking {
  const policy = interactionPolicy.base()
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check(
        'account_gone',
        'the account of this session is gone',
        'login_required',
        ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined,
      ),
    )
  return {
    policy,
    loadExistingGrant: async ({ oidc }) => {
      const grantId = oidc.result?.consent?.grantId
      return grantId === undefined ? undefined : oidc.provider.Grant.find(grantId)
    },
  }
}

/** Allows everything that the person may, without a page. */
export function askNobody(login: Login): Asking {
  const policy = interactionPolicy.base()
  policy.get('consent')?.checks.remove('native_client_prompt')
  return { policy, loadExistingGrant: (context) => grantAvailable(context, login) }
}

async function grantAvailable({ oidc }: KoaContextWithOIDC, login: Login): Promise<Grant | undefined> {
  const accountId = oidc.account?.accountId
  const clientId = oidc.client?.clientId
  if (accountId === undefined || clientId === undefined) return undefined
  const grant = new oidc.provider.Grant({ accountId, clientId })
  grant.addOIDCScope(oidc.requestParamOIDCScopes)
  const account = login.findAccount(accountId)
  let given = 0
  for (const [identifier, server] of Object.entries(oidc.resourceServers ?? {})) {
    const asked = [...oidc.requestParamScopes].filter((scope) => server.scopes.has(scope))
    given += decideResource(grant, identifier, asked, account)
  }
  if (given === 0) throw new errors.AccessDenied('this person may allow none of what was asked for')
  await grant.save()
  return grant
}

/**
 * Writes into a grant what an account gives of the scopes that were asked for, and what it refuses: oidc-provider asks
 * again for scopes that it finds in neither place.
 *
 * @returns how many scopes were given
 */
export function decideResource(
  grant: Grant,
  identifier: string,
  asked: readonly string[],
  account: Account | undefined,
): number {
  const { available, refused } = divideScopes(account, asked)
  if (available.length > 0) grant.addResourceScope(identifier, [...available])
  if (refused.length > 0) grant.rejectResourceScope(identifier, [...refused])
  return available.length
}
