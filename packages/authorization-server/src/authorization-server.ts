import type { IncomingMessage, ServerResponse } from 'node:http'
import { createOutbound } from '@mcp-doorman/outbound'
import type { Provider } from 'oidc-provider'
import { rememberAccessToken } from './adapter.ts'
import { describeResource } from './authorization-request.ts'
import {
  answerCors,
  type Endpoint,
  endpointOf,
  findRoute,
  isHostAllowed,
  isQueryTooLong,
  pinOrigin,
  rewriteForm,
  rewriteQuery,
} from './front.ts'
import { answerInteraction, interactionPath } from './interaction.ts'
import { divideScopes } from './login.ts'
import { type AuthorizationServerOptions, defaultRegistration, readOptions } from './options.ts'
import { sendErrorPage } from './page.ts'
import { basePath, createProvider, routes } from './provider.ts'
import { createResources } from './resources.ts'
import { loadCookieKey, loadSigningKeys } from './signing-keys.ts'
import { createStateFolder } from './state-folder.ts'
import { openStore } from './store.ts'

export interface MintRequest {
  readonly subject: string
  readonly clientId: string
  readonly resource: string
  /** Each must be a scope of the resource; at least one. */
  readonly scopes: readonly string[]
  /** @defaultValue the lifetime of access tokens */
  readonly seconds?: number
}

export type MintAnswer =
  | { readonly ok: true; readonly accessToken: string; readonly expiresInSeconds: number }
  | { readonly ok: false; readonly problem: string }

/** A running authorization server, without a socket of its own. */
export interface AuthorizationServer {
  readonly issuer: string
  /** Answers a request of node:http. Never throws, never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Which endpoint a request URL (path, with or without a query) belongs to; undefined for pages and unknown paths. */
  endpointOf(url: string): Endpoint | undefined
  /**
   * Issues an access token without a login, signed and introspectable like any other. Whoever can call this can be
   * anybody: it is for tools of the operator.
   */
  mintAccessToken(request: MintRequest): Promise<MintAnswer>
  /**
   * Signs claims as they are, as access tokens are signed; `header` adds to the protected header or replaces in it. For
   * tests of resource servers: what it makes is not remembered, so it can neither be introspected nor revoked.
   */
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
  /** What a client may be called back at, as it registered; undefined when there is no such client. */
  findRedirectUris(clientId: string): Promise<readonly string[] | undefined>
  /** A new key signs from now on; tokens signed before stay verifiable. */
  rotateKeys(): Promise<void>
  /** Another key takes the `kid` of the one that signs; tokens signed before fail. For tests of resource servers. */
  replaceKeyUnderSameId(): Promise<void>
  /** Closes the store and every outbound connection. The sockets of callers are the caller's. May be called again. */
  close(): void
}

/**
 * Opens an authorization server for MCP clients: OAuth 2.1 with PKCE (S256 only), resource indicators, registration,
 * client-ID metadata documents, `iss` in every authorization response, access tokens as of RFC 9068.
 *
 * Opens files in the state folder, no socket. Does not limit how often anybody asks; put a limit before it when it
 * faces the internet.
 *
 * @throws {TypeError} that lists every mistake in the options
 * @throws {Error} when the state folder cannot be used, or others can write to it
 */
export async function openAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const settings = readOptions(options)
  const { issuer, stateFolder } = settings
  const base = basePath(issuer)
  const resources = createResources(settings.resources)
  const outbound = createOutbound({
    trustedOrigins: settings.clientDocuments?.trustedOrigins ?? [],
    certificateAuthorities: settings.clientDocuments?.certificateAuthorities ?? [],
    timeoutSeconds: 3,
    maxBodyBytes: 65_536, // oidc-provider has its own limit of 5 KiB for documents.
  })
  if (stateFolder !== undefined) createStateFolder(stateFolder)
  const keys = await loadSigningKeys(stateFolder)
  const cookieKey = loadCookieKey(stateFolder)
  const limits = {
    ...(settings.registration ?? defaultRegistration),
    freshSeconds: settings.lifetimes.interactionSeconds,
  }
  const store = openStore(stateFolder, limits, settings.nowSeconds)
  let provider = build()
  let answer = provider.callback()
  let closed = false

  function build(): Provider {
    return createProvider({ settings, resources, store, outbound, keys: keys.current(), cookieKey })
  }

  function rebuild(): void {
    provider = build()
    answer = provider.callback()
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-content-type-options', 'nosniff')
    if (!isHostAllowed(request.headers.host, issuer)) {
      return sendJson(response, 421, 'misdirected_request', `this server is ${issuer}`)
    }
    const route = findRoute(request.url ?? '/', base)
    if (route.kind === 'unknown') return sendJson(response, 404, 'not_found', 'nothing is here')
    const { path } = route
    if (answerCors(request, response, path)) return
    pinOrigin(request, issuer, base, path)

    const [, uid, form] = interactionPath.exec(path) ?? []
    if (uid !== undefined) {
      const parts = { provider, settings, resources, formKey: cookieKey, basePath: base }
      return answerInteraction(parts, request, response, uid, form)
    }
    if (path === routes.authorization) {
      if (isQueryTooLong(request)) return sendErrorPage(response, 414, tooLong)
      rewriteQuery(request, resources)
    }
    let asked = request
    if (request.method === 'POST' && formRoutes.has(path)) {
      const rewritten = await rewriteForm(request, path, resources)
      if (typeof rewritten === 'number') {
        response.setHeader('connection', 'close') // What is left of the body is not read.
        return sendJson(
          response,
          rewritten,
          'invalid_request',
          'the body is too large or did not arrive whole',
        )
      }
      asked = rewritten
      Object.assign(asked, { originalUrl: base + path })
    }
    await answer(asked, response)
  }

  return {
    issuer,
    handle(request, response) {
      respond(request, response).catch((error: unknown) => {
        settings.onServerError(error instanceof Error ? error : new Error(String(error)))
        if (response.headersSent) response.destroy()
        else sendJson(response, 500, 'server_error', 'this should not have happened')
      })
    },

    endpointOf(url) {
      const route = findRoute(url, base)
      return route.kind === 'path' ? endpointOf(route.path) : undefined
    },

    async mintAccessToken({ subject, clientId, resource: identifier, scopes, seconds }) {
      const resource = resources.find(resources.canonical(identifier))
      if (resource === undefined)
        return refusal(
          'resource',
          identifier,
          settings.resources.map((one) => one.resource),
        )
      const unknown = scopes.find((scope) => !resource.scopes.includes(scope))
      if (unknown !== undefined) return refusal('scope', unknown, resource.scopes)
      if (scopes.length === 0) return { ok: false, problem: 'no scope was asked for' }
      const account = settings.login.findAccount(subject)
      if (account === undefined) return refusal('user', subject, [])
      const [refused] = divideScopes(account, scopes).refused
      if (refused !== undefined) return { ok: false, problem: `${subject} may not give the scope ${refused}` }
      // A client-ID metadata document would be fetched; a token for a tool of the operator is not worth that.
      const client = clientId.includes('://') ? undefined : await provider.Client.find(clientId)
      if (client === undefined) return refusal('client', clientId, [])

      const expiresInSeconds = seconds ?? settings.lifetimes.accessTokenSeconds
      const grant = new provider.Grant({ accountId: subject, clientId })
      grant.addResourceScope(resource.resource, [...scopes])
      const grantId = await grant.save()
      const token = new provider.AccessToken({
        accountId: subject,
        client,
        grantId,
        gty: 'minted',
        scope: [...new Set(scopes)].join(' '),
        expiresIn: expiresInSeconds,
        resourceServer: new provider.ResourceServer(
          resource.resource,
          describeResource(resources, resource.resource),
        ),
      })
      const accessToken = await token.save()
      rememberAccessToken(store, accessToken, grantId)
      return { ok: true, accessToken, expiresInSeconds }
    },

    sign: (claims, header) => keys.sign(claims, header),
    async findRedirectUris(clientId) {
      const client = await provider.Client.find(clientId).catch(() => undefined)
      return client?.redirectUris
    },
    async rotateKeys() {
      await keys.rotate()
      rebuild()
    },
    async replaceKeyUnderSameId() {
      await keys.replaceUnderSameId()
      rebuild()
    },
    close() {
      if (closed) return
      closed = true
      outbound.close()
      store.close()
    },
  }
}

const tooLong =
  'Your application asked with an address of more than 8 KiB, which is longer than this server reads. ' +
  'Connect again; if that does not help, tell the makers of the application.'

const formRoutes: ReadonlySet<string> = new Set([routes.token, routes.introspection, routes.revocation])

function refusal(what: string, value: string, known: readonly string[]): MintAnswer {
  const hint = known.length > 0 ? `; known: ${known.join(', ')}` : ''
  return { ok: false, problem: `unknown ${what} ${JSON.stringify(value.slice(0, 200))}${hint}` }
}

function sendJson(response: ServerResponse, status: number, error: string, description: string): void {
  const body = JSON.stringify({ error, error_description: description })
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-length': Buffer.byteLength(body),
    })
    .end(body)
}
