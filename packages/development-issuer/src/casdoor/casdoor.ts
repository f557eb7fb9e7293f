import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Endpoint, MintAnswer, MintRequest } from '@mcp-doorman/authorization-server'
import type { IssuerEngine } from '../engine.ts'
import { refuseProduction } from '../production.ts'
import { answerRequest } from './interface/answer-request.ts'
import type { ApplicationRow } from './rows/application-row.ts'
import { generateCert } from './keys/certificate.ts'
import { findClient } from './rows/clients.ts'
import { paths } from './interface/discovery.ts'
import type { Instance } from './instance.ts'
import { issueTokens, plainGrant } from './tokens/issue-tokens.ts'
import { openInstance } from './open-instance.ts'
import { type CasdoorOptions, checkOptions } from './options.ts'
import { grantScope } from './tokens/scope.ts'
import { Sessions } from './people/sessions.ts'
import { type Claims, findCert, findSigner, signClaims } from './keys/signing.ts'
import { type CertRow, emptyCert } from './rows/small-rows.ts'
import { idOf } from './rows/table.ts'

const endpoints: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  [paths.authorization, 'authorization'],
  [paths.token, 'token'],
  [paths.introspection, 'introspection'],
  [paths.registration, 'registration'],
])

/**
 * Opens a double of Casdoor v3.158: what answers behind a socket as an instance does, as far as MCP, Doorman and its
 * set-up use one. Everything is in memory.
 *
 * It is as open as Casdoor is: whoever shows an application's secret, or knows the administrator's password, may change
 * everything. Passwords are kept as they are. It looks at no passwords' strength, knows no second factor, sends no mail,
 * and speaks English only.
 *
 * @throws {Error} with NODE_ENV=production
 * @throws {TypeError} that lists every mistake in the options
 */
export async function openCasdoor(options: CasdoorOptions): Promise<IssuerEngine> {
  refuseProduction()
  checkOptions(options)
  const { onServerError = () => undefined } = options
  const instance = await openInstance(options)
  const sessions = new Sessions()
  const own = options.application ?? options.data?.applications?.[0]?.name ?? 'app-built-in'

  function findApplication(): ApplicationRow {
    const application = instance.applications.get(`admin/${own}`)
    if (application === undefined) throw new Error(`The application "${own}" was removed.`)
    return application
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    answerRequest(instance, sessions, request, response).catch((error: unknown) => {
      onServerError(error instanceof Error ? error : new Error(String(error)))
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end()
    })
  }

  async function sign(claims: Claims, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const found = findSigner(instance, findApplication())
    if (!found.ok) throw new Error(found.message)
    return signClaims(found.signer, claims, 'with key id', header)
  }

  return {
    issuer: options.origin ?? '',
    handle,
    endpointOf,
    sign,
    mintAccessToken: (request) => mintAccessToken(instance, options.origin ?? '', request),
    findRedirectUris: (clientId) =>
      Promise.resolve(findClient(instance, clientId)?.application.redirectUris ?? undefined),
    rotateKeys: () => switchCert(instance, findApplication),
    replaceKeyUnderSameId: () => replaceKey(instance, findApplication),
    close: () => undefined,
  }
}

function endpointOf(url: string): Endpoint | undefined {
  const path = url.split('?', 1)[0] ?? ''
  if (!path.startsWith('/.well-known/')) return endpoints.get(path)
  if (path.endsWith('/jwks')) return 'jwks'
  return /\/(?:openid-configuration|oauth-authorization-server)$/.test(path) ? 'discovery' : undefined
}

async function mintAccessToken(
  instance: Instance,
  issuer: string,
  request: MintRequest,
): Promise<MintAnswer> {
  const client = findClient(instance, request.clientId)
  if (client === undefined)
    return { ok: false, problem: `unknown client ${JSON.stringify(request.clientId)}` }
  const user = instance.users.get(`${client.organization}/${request.subject}`)
  if (user === undefined) return { ok: false, problem: `unknown user ${JSON.stringify(request.subject)}` }
  const scope = grantScope(client.application.scopes, request.scopes.join(' '))
  if (scope === undefined) {
    return { ok: false, problem: 'unknown scope: the application has no row for one of them' }
  }
  const { resource, seconds } = request
  const issued = await issueTokens(instance, {
    ...plainGrant,
    client,
    user,
    issuer,
    scope,
    resource,
    ...(seconds !== undefined && { seconds }),
  })
  if (!issued.ok) return { ok: false, problem: issued.message }
  return { ok: true, accessToken: issued.row.accessToken, expiresInSeconds: issued.row.expiresIn }
}

/** Casdoor has no overlap: the application's own key set forgets the old key at once, the instance's keeps both. */
async function switchCert(instance: Instance, findApplication: () => ApplicationRow): Promise<void> {
  const before = findCert(instance, findApplication()) ?? emptyCert
  const base = before.name.replace(/-\d+$/, '')
  let number = Number(/-(\d+)$/.exec(before.name)?.[1] ?? 1) + 1
  while (instance.certs.get(`admin/${base}-${number}`) !== undefined) number += 1
  const name = `${base}-${number}`
  const cert: CertRow = { ...before, owner: 'admin', name, ...(await newPair(instance, before, name)) }
  instance.certs.add(cert)
  const application = findApplication() // It may have been changed while the key was made.
  instance.applications.replace(idOf(application), { ...application, cert: name })
}

async function replaceKey(instance: Instance, findApplication: () => ApplicationRow): Promise<void> {
  const application = findApplication()
  const cert = findCert(instance, application)
  if (cert === undefined) throw new Error(`The cert "${application.cert}" does not exist.`)
  instance.certs.replace(idOf(cert), { ...cert, ...(await newPair(instance, cert, cert.name)) })
}

function newPair(instance: Instance, { cryptoAlgorithm, bitSize, owner }: CertRow, commonName: string) {
  const facts = { organization: owner, commonName, from: instance.nowSeconds(), years: 20 }
  return generateCert(cryptoAlgorithm, bitSize, facts)
}
