import type { Answer } from './envelope.ts'
import type { Instance } from '../instance.ts'
import { answerApplicationKeys, answerKeys } from '../keys/published-keys.ts'

/** Where each endpoint stands below the issuer. */
export const paths = {
  authorization: '/login/oauth/authorize',
  token: '/api/login/oauth/access_token',
  userinfo: '/api/userinfo',
  deviceAuthorization: '/api/device-auth',
  registration: '/api/oauth/register',
  introspection: '/api/login/oauth/introspect',
  logout: '/api/logout',
} as const

const signingAlgorithms = ['RS256', 'RS512', 'ES256', 'ES384', 'ES512']

/** Answers below `/.well-known/`; undefined for every other path there, whatever its form. */
export function answerWellKnown(instance: Instance, issuer: string, path: string): Answer | undefined {
  const [, application, name] = /^\/\.well-known\/(?:([^/]+)\/)?([^/]+)$/.exec(path) ?? []
  if (name === undefined) return undefined
  switch (name) {
    case 'openid-configuration':
    case 'oauth-authorization-server':
      return { status: 200, body: describeServer(instance, issuer, application) }
    case 'oauth-protected-resource':
      return { status: 200, body: describeResource(issuer, application) }
    case 'jwks':
      return application === undefined ? answerKeys(instance) : answerApplicationKeys(instance, application)
    default:
      return undefined
  }
}

/** One document for OpenID Connect and RFC 8414. An application of any name has one, whether it exists or not. */
function describeServer(instance: Instance, issuer: string, application: string | undefined): object {
  const scopes = instance.applications.get(`admin/${application ?? ''}`)?.scopes ?? []
  const keys = application === undefined ? 'jwks' : `${application}/jwks`
  return {
    issuer,
    authorization_endpoint: issuer + paths.authorization,
    token_endpoint: issuer + paths.token,
    userinfo_endpoint: issuer + paths.userinfo,
    device_authorization_endpoint: issuer + paths.deviceAuthorization,
    registration_endpoint: issuer + paths.registration,
    jwks_uri: `${issuer}/.well-known/${keys}`,
    introspection_endpoint: issuer + paths.introspection,
    // More than what passes: only code, token and id_token do.
    response_types_supported: [
      'code',
      'token',
      'id_token',
      'code token',
      'code id_token',
      'token id_token',
      'code token id_token',
      'none',
    ],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: [
      'authorization_code',
      'implicit',
      'password',
      'client_credentials',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:token-exchange',
    ],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: signingAlgorithms,
    scopes_supported: [
      'openid',
      'email',
      'profile',
      'address',
      'phone',
      'offline_access',
      ...scopes.map(({ name }) => name),
    ],
    code_challenge_methods_supported: ['S256'],
    claims_supported: claimNames,
    request_parameter_supported: true,
    request_object_signing_alg_values_supported: ['HS256', 'HS384', 'HS512'],
    end_session_endpoint: issuer + paths.logout,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    dpop_signing_alg_values_supported: [...signingAlgorithms, 'PS256', 'PS384', 'PS512'],
  }
}

const claimNames = `
  iss ver sub aud iat exp id type displayName avatar permanentAvatar email phone location affiliation
  title homepage bio tag region language score ranking isOnline isAdmin isForbidden signupApplication ldap
`
  .trim()
  .split(/\s+/)

/** RFC 9728, of Casdoor itself as a resource. */
function describeResource(issuer: string, application: string | undefined): object {
  const resource = application === undefined ? issuer : `${issuer}/.well-known/${application}`
  return {
    resource,
    authorization_servers: [resource],
    bearer_methods_supported: ['header'],
    scopes_supported: ['openid', 'profile', 'email', 'read', 'write'],
    resource_signing_alg_values_supported: ['RS256'],
  }
}
