import {
  type Configuration,
  errors,
  type Grant,
  interactionPolicy,
  type KoaContextWithOIDC,
} from 'oidc-provider'
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
  unattendedSubject: string | undefined,
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

  if (unattendedSubject !== undefined && session !== undefined) {
    session.loginAccount({ accountId: unattendedSubject })
    params['prompt'] = undefined
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

/** Allows everything without a page. */
export function askNobody(): Asking {
  const policy = interactionPolicy.base()
  policy.get('consent')?.checks.remove('native_client_prompt')
  return { policy, loadExistingGrant: grantEverything }
}

async function grantEverything({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const accountId = oidc.account?.accountId
  const clientId = oidc.client?.clientId
  if (accountId === undefined || clientId === undefined) return undefined
  const grant = new oidc.provider.Grant({ accountId, clientId })
  grant.addOIDCScope(oidc.requestParamOIDCScopes)
  for (const [identifier, server] of Object.entries(oidc.resourceServers ?? {})) {
    const scopes = [...oidc.requestParamScopes].filter((scope) => server.scopes.has(scope))
    grant.addResourceScope(identifier, scopes)
  }
  await grant.save()
  return grant
}
