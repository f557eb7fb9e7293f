import type { EventEmitter } from 'node:events'
import type { Outbound } from '@mcp-doorman/outbound'
import { type ClientMetadata, type Configuration, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { createAdapter, rememberAccessToken } from './adapter.ts'
import {
  askNobody,
  askPerson,
  chooseResource,
  completeRequest,
  describeResource,
} from './authorization-request.ts'
import { createDocumentFetch } from './client-documents.ts'
import { normalizeClientMetadata } from './client-metadata.ts'
import type { AuthorizationServerSettings, KnownClient } from './options.ts'
import { formatPage, html, pageHeaders } from './page.ts'
import { redirectUriMatches } from './redirect-uri.ts'
import type { Resources } from './resources.ts'
import type { SigningKey } from './signing-keys.ts'
import type { Store } from './store.ts'

export interface ProviderParts {
  readonly settings: AuthorizationServerSettings
  readonly resources: Resources
  readonly store: Store
  readonly outbound: Outbound
  readonly keys: readonly SigningKey[]
  readonly cookieKey: string
}

/** Where oidc-provider answers, below the path of the issuer. */
export const routes = {
  authorization: '/authorize',
  token: '/token',
  registration: '/register',
  introspection: '/introspect',
  revocation: '/revoke',
  jwks: '/jwks',
} as const

/** Builds oidc-provider, set up for MCP clients. It holds no state: another one with the same store takes over at once. */
export function createProvider(parts: ProviderParts): Provider {
  const { settings, store } = parts
  const provider = new Provider(settings.issuer, createConfiguration(parts))

  provider.Client.prototype.redirectUriAllowed = function (uri) {
    return redirectUriMatches(uri, this.redirectUris ?? [], settings.redirects)
  }
  provider.proxy = true // The front has replaced the forwarded headers by what is configured.
  provider.use(async (context, next) => {
    await next()
    if (context.status === 404 && context.body === undefined) {
      context.body = { error: 'not_found', error_description: 'nothing is here' }
      context.status = 404
    }
  })
  provider.use(async (context, next) => {
    await next()
    if (context.status === 503) context.set('retry-after', '60')
  })
  provider.use(async (context, next) => {
    await next()
    if (/\/\.well-known\/(oauth-authorization-server|openid-configuration)$/.test(context.path)) {
      completeMetadata(context.body, parts.resources)
    }
  })
  const koa: EventEmitter = provider
  // Without a listener koa prints to stderr.
  koa.on('error', (error: Error) => {
    if (!hasClientLeft(error)) settings.onServerError(error)
  })
  provider.on('server_error', (_context, error) => settings.onServerError(error))
  provider.on('grant.success', (context) => rememberGrant(context, store))
  return provider
}

/** A connection that ends before the answer is no failure of ours. */
function hasClientLeft(error: Error): boolean {
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

function createConfiguration(parts: ProviderParts): Configuration {
  const { settings, resources, store } = parts
  const { lifetimes } = settings
  const { policy, loadExistingGrant } =
    settings.unattended.consent === true ? askNobody(settings.login) : askPerson()
  const cookieName = `doorman_${new URL(settings.issuer).port || 'issuer'}` // Cookies do not know ports.
  const cookie = { signed: true, httpOnly: true, sameSite: 'lax' } as const
  const introspecting = new Set(
    settings.clients.filter((client) => client.mayIntrospect).map((client) => client.clientId),
  )

  return {
    adapter: (model) =>
      createAdapter(model, store, {
        reuseGraceSeconds: lifetimes.reuseGraceSeconds,
        nowSeconds: settings.nowSeconds,
      }),
    jwks: { keys: parts.keys.map((key) => ({ ...key })) },
    routes,
    cookies: {
      keys: [parts.cookieKey],
      names: {
        session: `${cookieName}_session`,
        interaction: `${cookieName}_interaction`,
        resume: `${cookieName}_resume`,
      },
      long: cookie,
      short: cookie,
    },

    clients: settings.clients.map(describeKnownClient),
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    clientDefaults: {
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    extraClientMetadata: {
      // Called once for every client, before oidc-provider judges it: the one place to change what it says.
      properties: ['scope'],
      validator: (_context, _name, _value, metadata) => normalizeClientMetadata(metadata, settings.redirects),
    },

    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'] },
    pkce: { required: () => true },
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    loadExistingGrant,
    interactions: {
      policy,
      url: (_context, interaction) => `${basePath(settings.issuer)}/interaction/${interaction.uid}`,
    },
    extraParams: {
      // A parameter that nobody sends: validators run for every request, and are where defaults are assigned.
      doorman_completion: (context) => completeRequest(context, resources, settings.unattended),
    },

    findAccount: (_context, subject) => {
      if (settings.login.findAccount(subject) === undefined) return undefined
      return { accountId: subject, claims: async () => ({ sub: subject }) }
    },
    extraTokenClaims: (_context, token) => {
      if (token.kind !== 'AccessToken') return undefined
      return { ...settings.login.findAccount(token.accountId)?.claims }
    },

    clientBasedCORS: () => false, // The front has answered for every endpoint that browsers may call.
    fetch: createDocumentFetch(parts.outbound),
    renderError: (context, out) => {
      const message =
        out.error === 'invalid_client'
          ? 'This application is not known here, or no longer.'
          : (out.error_description ?? out.error)
      context.type = 'html'
      context.set({ ...pageHeaders })
      context.body = formatPage(
        'This did not work',
        html`<p>${message}</p>
          <p class="quiet">
            Go back to your application, remove this connection, and connect again. <code>${out.error}</code>
          </p>`,
      )
    },

    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      clientIdMetadataDocument: {
        enabled: settings.clientDocuments !== undefined,
        ack: 'draft-02',
        allowFetch: createFetchOnce(),
      },
      registration: {
        enabled: settings.registration !== undefined,
        initialAccessToken: false,
        issueRegistrationAccessToken: false,
      },
      introspection: {
        enabled: true,
        allowedPolicy: (_context, client, token) =>
          token.clientId === client.clientId || introspecting.has(client.clientId),
      },
      revocation: {
        enabled: true,
        // Someone else's token is treated like an unknown one (RFC 7009 §2.2).
        allowedPolicy: (_context, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (context, _client, oneOf) => chooseResource(context, resources, oneOf),
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, identifier) => describeResource(resources, identifier),
      },
    },
    discovery: {
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    },

    // Every one is set: oidc-provider prints a notice at the first use of a default.
    ttl: {
      AccessToken: lifetimes.accessTokenSeconds,
      AuthorizationCode: 60,
      ClientCredentials: lifetimes.accessTokenSeconds,
      Grant: lifetimes.grantSeconds,
      IdToken: lifetimes.accessTokenSeconds,
      Interaction: lifetimes.interactionSeconds,
      RefreshToken: lifetimes.refreshTokenSeconds,
      Session: lifetimes.sessionSeconds,
    },
  }
}

/** Every path that this server answers stands below the path of its issuer. */
export function basePath(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}

function describeKnownClient(client: KnownClient): ClientMetadata {
  return {
    client_id: client.clientId,
    client_name: client.name ?? client.clientId,
    redirect_uris: [...client.redirectUris],
    ...(client.secret === undefined
      ? { token_endpoint_auth_method: 'none' }
      : { token_endpoint_auth_method: 'client_secret_basic', client_secret: client.secret }),
  }
}

/** A request for an unusable document looks for its client twice, the second time for the error page. */
function createFetchOnce(): (context: KoaContextWithOIDC) => boolean {
  const fetched = new WeakSet<object>()
  return (context) => {
    if (fetched.has(context)) return false
    fetched.add(context)
    return true
  }
}

function rememberGrant(context: KoaContextWithOIDC, store: Store): void {
  const { client, entities } = context.oidc
  if (client !== undefined) store.touchClient(client.clientId)
  const body: unknown = context.body
  if (
    typeof body === 'object' &&
    body !== null &&
    'access_token' in body &&
    typeof body.access_token === 'string'
  ) {
    rememberAccessToken(store, body.access_token, entities.AccessToken?.grantId)
  }
}

/** oidc-provider lists its own scopes; clients look here for those of the resources. */
function completeMetadata(body: unknown, resources: Resources): void {
  if (typeof body !== 'object' || body === null) return
  const scopes = resources.all.flatMap((resource) => resource.scopes)
  Object.assign(body, { scopes_supported: [...new Set([...scopes, 'offline_access'])] })
}
