/** A Casdoor with nothing wrong for MCP, of recorded answers; each test spoils one of them. */
import type { OutboundAnswer, OutboundRequest } from '@mcp-doorman/outbound'
import { checkCasdoor, type CheckOptions, type CheckReport } from '@mcp-doorman/casdoor'
import { oidcScopes } from '#internal/oidc-scopes'
import { answerOf, json, origin, recorded, recordedData, watched } from './recorded.ts'

/** When the recorded tokens are good. */
export const recordedNow = 1_795_402_700
/** The application of the recorded tokens. */
export const name = 'mcp-custom'
export const clientId = 'client-mcp-custom'

type Answers = Readonly<Record<string, OutboundAnswer | ((request: OutboundRequest) => OutboundAnswer)>>
type Row = Readonly<Record<string, unknown>>

const scopeRow = (scope: string): Row => ({ name: scope, displayName: scope, description: '', tools: [] })
const own = ['files:read', 'files:write', 'files:list']

/** As an administrator sees it. */
export const application: Row = {
  ...recordedData('provisioning/get-application-admin'),
  name,
  clientId: 'c0ffee',
  organization: 'acme',
  cert: 'cert-acme',
  scopes: [...own, ...oidcScopes.map(({ name }) => name)].map(scopeRow),
  customScopes: own.map((scope) => ({ scope, displayName: scope, description: '' })),
}

/** As everybody sees it: what the recorded view hides is hidden. */
export function masked(whole: Row): Row {
  const hidden = Object.entries(recordedData('provisioning/get-application-anonymous')).filter(
    ([member, value]) =>
      value === '***' ||
      value === -1 ||
      ['grantTypes', 'redirectUris', 'tokenFields', 'tokenAttributes', 'enablePassword'].includes(member),
  )
  return { ...whole, ...Object.fromEntries(hidden) }
}

const data = (value: unknown): OutboundAnswer => json({ status: 'ok', msg: '', data: value })
const grantError = (error: string): OutboundAnswer => json({ error }, 400)

export interface Spoiled {
  readonly application?: Row | null
  readonly answers?: Answers
  readonly options?: Partial<CheckOptions>
}

/** Checks a healthy Casdoor of which one thing was changed. */
export async function checkSpoiled({
  application: row = application,
  answers = {},
  options = {},
}: Spoiled = {}): Promise<CheckReport & { readonly sent: readonly string[] }> {
  const administrator = options.credentials !== undefined
  const usual: Answers = {
    '/.well-known/openid-configuration': answerOf(recorded('discovery/oidc-global').response),
    '/.well-known/jwks': answerOf(recorded('jwks/global').response),
    [`/.well-known/${name}/jwks`]: answerOf(recorded('jwks/app-admin-cert').response),
    '/api/oauth/register': answerOf(recorded('dcr/probe-disabled').response),
    '/api/get-application': data(row === null || administrator ? row : masked(row)),
    '/api/get-cert': data({ ...recordedData('provisioning/get-cert'), name: 'cert-acme' }),
    '/api/get-organization-applications': data([row]),
    '/api/get-user': data({ ...recordedData('provisioning/get-user'), owner: 'built-in', name: 'admin' }),
    '/api/login': json({
      status: 'error',
      msg: 'password or code is incorrect, you have 4 remaining chances',
    }),
    '/api/get-app-login': answerOf(recorded('authorize/probe-ok').response),
    '/api/login/oauth/access_token': ({ body }) =>
      grantError(String(body).includes('refresh_token') ? 'invalid_client' : 'unsupported_grant_type'),
  }
  const outbound = watched((request) => {
    const { pathname } = new URL(request.url)
    const answer = answers[pathname] ?? usual[pathname]
    if (answer === undefined) throw new Error(`nobody expected ${request.url}`)
    return typeof answer === 'function' ? answer(request) : answer
  })
  const report = await checkCasdoor({
    outbound,
    url: origin,
    application: name,
    nowSeconds: () => recordedNow,
    ...options,
  })
  const sent = outbound.requests.map(({ method = 'GET', url }) => `${method} ${new URL(url).pathname}`)
  return { ...report, sent }
}

export const credentials = { clientId: 'id', clientSecret: 'secret' }
