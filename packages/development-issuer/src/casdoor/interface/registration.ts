import { randomBytes } from 'node:crypto'
import { emptyApplication } from '../rows/application-row.ts'
import type { Call } from './call.ts'
import { randomLetters } from '../grants/devices.ts'
import { paths } from './discovery.ts'
import { type Answer, oauthError } from './envelope.ts'
import { parseGoJson } from './go-json.ts'
import { formatTime, type Instance } from '../instance.ts'

const invalidMetadata = 'invalid_client_metadata'
const lifetimeHours = 168

/**
 * `POST /api/oauth/register` (RFC 7591), for the organization that the query names. What it creates has no scope list,
 * the instance's own cert, and lets in only users with a tag; and it has a secret, whatever was asked for.
 */
export function answerRegistration(instance: Instance, call: Call): Answer {
  const parsed = parseGoJson(call.body)
  if (!parsed.ok) return oauthError(invalidMetadata, `invalid request body: ${parsed.message}`)
  const metadata = readMetadata(parsed.value)
  const name = call.query.get('organization') ?? 'built-in'
  const organization = instance.organizations.get(`admin/${name}`)
  if (organization === undefined) return oauthError(invalidMetadata, 'organization not found')
  if (['', 'disabled'].includes(organization.dcrPolicy)) {
    return oauthError(invalidMetadata, 'dynamic client registration is disabled for this organization')
  }
  if (metadata.redirectUris.length === 0) {
    const message = 'redirect_uris is required and must contain at least one URI'
    return oauthError('invalid_redirect_uri', message)
  }
  const clientId = randomBytes(10).toString('hex')
  const clientSecret = randomBytes(20).toString('hex')
  const registrationAccessToken = randomBytes(20).toString('hex')
  const now = instance.nowSeconds()
  instance.applications.add({
    ...emptyApplication,
    owner: 'admin',
    name: `dcr_${randomLetters(6)}`,
    createdTime: formatTime(now),
    displayName: metadata.clientName,
    category: 'Agent',
    type: 'MCP',
    organization: name,
    scopes: [],
    tags: ['dcr'],
    enablePassword: true,
    signinMethods: [{ name: 'Password', displayName: 'Password', rule: 'All' }],
    grantTypes: metadata.grantTypes,
    redirectUris: metadata.redirectUris,
    tokenFormat: organization.defaultTokenFormat === '' ? 'JWT' : organization.defaultTokenFormat,
    expireInHours: lifetimeHours,
    refreshExpireInHours: lifetimeHours,
    clientId,
    clientSecret,
    registrationAccessToken,
  })
  return {
    status: 201,
    body: {
      client_id: clientId,
      client_secret: clientSecret,
      client_id_issued_at: now,
      client_secret_expires_at: 0,
      client_name: metadata.clientName,
      redirect_uris: metadata.redirectUris,
      grant_types: metadata.grantTypes,
      response_types: metadata.responseTypes,
      token_endpoint_auth_method: metadata.authenticationMethod,
      application_type: metadata.applicationType,
      ...(metadata.scope !== '' && { scope: metadata.scope }),
      registration_client_uri: `${call.issuer}${paths.registration}/${clientId}`,
      registration_access_token: registrationAccessToken,
    },
  }
}

interface Metadata {
  readonly clientName: string
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
  readonly responseTypes: readonly string[]
  readonly authenticationMethod: string
  readonly applicationType: string
  readonly scope: string
}

function readMetadata(body: unknown): Metadata {
  const members: Readonly<Record<string, unknown>> =
    typeof body === 'object' && body !== null ? { ...body } : {}
  const text = (name: string, otherwise: string): string => {
    const value = members[name]
    return typeof value === 'string' && value !== '' ? value : otherwise
  }
  const texts = (name: string, otherwise: readonly string[]): readonly string[] => {
    const value = members[name]
    return Array.isArray(value) && value.length > 0 ? value.map(String) : otherwise
  }
  return {
    clientName: text('client_name', ''),
    redirectUris: texts('redirect_uris', []),
    grantTypes: texts('grant_types', ['authorization_code']),
    responseTypes: texts('response_types', ['code']),
    authenticationMethod: text('token_endpoint_auth_method', 'client_secret_basic'),
    applicationType: text('application_type', 'web'),
    scope: text('scope', ''),
  }
}
