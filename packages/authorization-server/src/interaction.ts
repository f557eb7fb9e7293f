import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errors, type Interaction, type Provider } from 'oidc-provider'
import { decideResource } from './authorization-request.ts'
import { consentPage } from './consent.ts'
import { divideScopes } from './login.ts'
import type { AuthorizationServerSettings } from './options.ts'
import { html, type Html, pageHeaders, sendErrorPage, sendPage } from './page.ts'
import { isForm, readBody } from './request-body.ts'
import type { Resources } from './resources.ts'

export interface InteractionParts {
  readonly provider: Provider
  readonly settings: AuthorizationServerSettings
  readonly resources: Resources
  readonly formKey: string
  /** The path of the issuer, which stands before every path: empty, or as in `/auth`. */
  readonly basePath: string
}

/** `/interaction/{uid}`, `…/login`, `…/consent`. */
export const interactionPath = /^\/interaction\/([\w-]{10,64})(?:\/(login|consent))?$/

const maxFormBytes = 16_384
const expired =
  'This page is no longer open: it was answered already, it took too long, or this browser did not begin here. ' +
  'Go back to your application and connect again.'

const nothingAvailable =
  'Your account may allow none of what the application asks for. Go back and use another account, or deny.'

/** Answers the pages between the authorization request and the redirect back to the client. */
export async function answerInteraction(
  parts: InteractionParts,
  request: IncomingMessage,
  response: ServerResponse,
  uid: string,
  form: string | undefined,
): Promise<void> {
  for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value)
  const interaction = await findInteraction(parts.provider, request, response, uid)
  if (interaction === undefined) return sendErrorPage(response, 400, expired)

  if (form === undefined && (request.method === 'GET' || request.method === 'HEAD')) {
    if (interaction.prompt.name === 'login') return showLogin(parts, response, interaction, undefined)
    return showConsent(parts, response, interaction)
  }
  if (request.method !== 'POST' || form !== interaction.prompt.name)
    return sendErrorPage(response, 400, expired)

  const fields = await readForm(request)
  if (fields === undefined)
    return sendErrorPage(response, 400, 'The form arrived damaged. Go back and send it again.')
  if (!isOurForm(parts, interaction, fields)) return sendErrorPage(response, 400, expired)

  if (fields.get('decision') === 'deny') {
    const denied = { error: 'access_denied', error_description: 'the person did not allow it' }
    return parts.provider.interactionFinished(request, response, denied, { mergeWithLastSubmission: false })
  }
  if (form === 'login') return logIn(parts, request, response, interaction, fields)
  if (fields.get('decision') === 'switch') return switchAccount(parts, response, interaction)
  if (fields.get('decision') === 'allow') return allow(parts, request, response, interaction)
  return sendErrorPage(response, 400, 'The form said neither yes nor no. Go back and choose a button.')
}

/** Finds what this browser began: its cookie must name the same interaction as the path. */
async function findInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  uid: string,
): Promise<Interaction | undefined> {
  try {
    const interaction = await provider.interactionDetails(request, response)
    return interaction.uid === uid ? interaction : undefined
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  }
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!isForm(request)) return undefined
  const body = await readBody(request, maxFormBytes)
  return body.ok ? new URLSearchParams(body.value.toString()) : undefined
}

async function showLogin(
  parts: InteractionParts,
  response: ServerResponse,
  interaction: Interaction,
  failedUsername: string | undefined,
): Promise<void> {
  const { name } = await describeClient(parts, interaction)
  const hint = interaction.params['login_hint']
  const { title, content } = parts.settings.login.page({
    action: `${parts.basePath}/interaction/${interaction.uid}/login`,
    hiddenFields: hiddenFields(parts, interaction),
    clientName: name,
    username: failedUsername ?? (typeof hint === 'string' ? hint : ''),
    failed: failedUsername !== undefined,
  })
  // Not 401: that is for HTTP authentication and would need a challenge.
  sendPage(response, failedUsername === undefined ? 200 : 403, title, content)
}

async function logIn(
  parts: InteractionParts,
  request: IncomingMessage,
  response: ServerResponse,
  interaction: Interaction,
  fields: URLSearchParams,
): Promise<void> {
  const subject = await parts.settings.login.verify(fields)
  if (subject === undefined) return showLogin(parts, response, interaction, fields.get('username') ?? '')

  if (interaction.session !== undefined && interaction.session.accountId !== subject) {
    // Another person at the same browser: the old session ends here. oidc-provider would end it with a page that
    // needs a script.
    await endSession(parts.provider, interaction)
    interaction.session = undefined
    await interaction.persist()
  }
  await parts.provider.interactionFinished(request, response, { login: { accountId: subject } })
}

async function showConsent(
  parts: InteractionParts,
  response: ServerResponse,
  interaction: Interaction,
): Promise<void> {
  const client = await describeClient(parts, interaction)
  const subject = interaction.session?.accountId ?? ''
  const account = parts.settings.login.findAccount(subject)
  const requested = Object.entries(requestedScopes(interaction)).flatMap(([identifier, scopes]) => {
    const resource = parts.resources.find(identifier)
    return resource === undefined ? [] : [{ resource, ...divideScopes(account, scopes) }]
  })
  const { title, content } = consentPage({
    action: `${parts.basePath}/interaction/${interaction.uid}/consent`,
    hiddenFields: hiddenFields(parts, interaction),
    subject,
    client,
    redirectUri: String(interaction.params['redirect_uri']),
    requested,
  })
  sendPage(response, 200, title, content)
}

async function allow(
  parts: InteractionParts,
  request: IncomingMessage,
  response: ServerResponse,
  interaction: Interaction,
): Promise<void> {
  const accountId = interaction.session?.accountId
  if (accountId === undefined) return sendErrorPage(response, 400, expired)
  // Always a new grant: it holds what was allowed here and nothing from before.
  const grant = new parts.provider.Grant({ accountId, clientId: String(interaction.params['client_id']) })
  const { missingOIDCScope } = interaction.prompt.details
  if (Array.isArray(missingOIDCScope)) grant.addOIDCScope(missingOIDCScope.map(String))
  const account = parts.settings.login.findAccount(accountId)
  let given = 0
  for (const [identifier, scopes] of Object.entries(requestedScopes(interaction))) {
    given += decideResource(grant, identifier, scopes, account)
  }
  // The page had no such button.
  if (given === 0) return sendErrorPage(response, 403, nothingAvailable)
  const grantId = await grant.save()
  await parts.provider.interactionFinished(request, response, { consent: { grantId } })
}

/** Ends the session and begins the same authorization request again. */
async function switchAccount(
  parts: InteractionParts,
  response: ServerResponse,
  interaction: Interaction,
): Promise<void> {
  await endSession(parts.provider, interaction)
  await interaction.destroy()
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(interaction.params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === 'string') query.append(name, one)
    }
  }
  response
    .writeHead(303, { location: `${parts.basePath}/authorize?${query.toString()}`, 'content-length': 0 })
    .end()
}

async function endSession(provider: Provider, interaction: Interaction): Promise<void> {
  if (interaction.session === undefined) return
  const session = await provider.Session.findByUid(interaction.session.uid)
  await session?.destroy()
}

async function describeClient(
  parts: InteractionParts,
  interaction: Interaction,
): Promise<{ readonly id: string; readonly name: string; readonly known: boolean }> {
  const id = String(interaction.params['client_id'])
  const client = await parts.provider.Client.find(id)
  const known = parts.settings.clients.some(({ clientId }) => clientId === id)
  return { id, name: (client?.clientName ?? id).slice(0, 100), known }
}

/** The scopes that the request is about, by resource; oidc-provider has dropped those that the resource does not know. */
function requestedScopes(interaction: Interaction): Readonly<Record<string, readonly string[]>> {
  const missing = interaction.prompt.details['missingResourceScopes']
  if (typeof missing !== 'object' || missing === null) return {}
  return Object.fromEntries(
    Object.entries(missing).map(([identifier, scopes]) => [
      identifier,
      Array.isArray(scopes) ? scopes.map(String) : [],
    ]),
  )
}

function hiddenFields(parts: InteractionParts, interaction: Interaction): Html {
  return html`<input type="hidden" name="form_token" value="${formToken(parts, interaction)}" />`
}

function isOurForm(parts: InteractionParts, interaction: Interaction, fields: URLSearchParams): boolean {
  const given = Buffer.from(fields.get('form_token') ?? '')
  const expected = Buffer.from(formToken(parts, interaction))
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Proves that a form came from our page for this interaction, beside the cookie that the browser sends by itself. */
function formToken(parts: InteractionParts, interaction: Interaction): string {
  const what = `form ${interaction.uid} ${interaction.prompt.name}`
  return createHmac('sha256', parts.formKey).update(what).digest('base64url')
}
