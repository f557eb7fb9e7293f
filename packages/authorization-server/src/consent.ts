import { html, type Html } from './page.ts'
import { isLoopbackRedirect } from './redirect-uri.ts'
import type { ProtectedResource } from './resources.ts'

export interface ConsentView {
  readonly action: string
  readonly hiddenFields: Html
  readonly subject: string
  readonly client: { readonly id: string; readonly name: string; readonly known: boolean }
  readonly redirectUri: string
  /** What is asked for, by resource: what this person can give, and what not. */
  readonly requested: readonly RequestedPart[]
}

interface RequestedPart {
  readonly resource: ProtectedResource
  readonly available: readonly string[]
  readonly refused: readonly string[]
}

/** The content of the page that asks whether a client may have what it wants. */
export function consentPage(view: ConsentView): { readonly title: string; readonly content: Html } {
  const { client } = view
  const canAllow = view.requested.some(({ available }) => available.length > 0)
  const content = html`
    <p>You are signed in as <strong>${view.subject}</strong>.</p>
    <dl>
      <dt>Application</dt>
      <dd><strong>${client.name}</strong><br />${provenance(client)}</dd>
      <dt>Goes back to</dt>
      <dd>${redirectTarget(view.redirectUri)}</dd>
    </dl>
    ${view.requested.map(requestPart)}
    <form method="post" action="${view.action}">
      ${view.hiddenFields}
      ${canAllow ? html`<button class="first" name="decision" value="allow">Allow</button>` : html``}
      <button name="decision" value="deny">Deny</button>
      <button class="plain" name="decision" value="switch">Use another account</button>
    </form>
  `
  return { title: `Allow ${client.name}?`, content }
}

function requestPart({ resource, available, refused }: RequestedPart): Html {
  const identifier = resource.name === resource.resource ? html`` : html`(<code>${resource.resource}</code>)`
  return html`
    <p>It wants to use <strong>${resource.name}</strong> ${identifier} to:</p>
    ${scopeList(resource, available)}
    ${
      refused.length === 0
        ? html``
        : html`<p>It also asks for this, which your account may not allow and it will not get:</p>
            ${scopeList(resource, refused)}`
    }
  `
}

function scopeList(resource: ProtectedResource, scopes: readonly string[]): Html {
  return html`<ul>
    ${scopes.map((scope) => html`<li>${describeScope(resource, scope)}</li>`)}
  </ul>`
}

function describeScope({ scopeDescriptions }: ProtectedResource, scope: string): Html {
  return html`${scopeDescriptions[scope] ?? `Use ${scope}`} <code class="quiet">${scope}</code>`
}

function provenance(client: ConsentView['client']): Html {
  if (client.known) return html`<span class="quiet">Set up by the operator of this server.</span>`
  if (client.id.startsWith('https://')) {
    return html`<span class="quiet">Described by <code>${new URL(client.id).host}</code></span>`
  }
  return html`<span class="quiet">It gave itself this name. Nobody has checked it.</span>`
}

function redirectTarget(redirectUri: string): Html {
  const { protocol, host } = new URL(redirectUri)
  if (isLoopbackRedirect(redirectUri)) return html`<strong>${host}</strong> (an application on this computer)`
  if (protocol === 'https:') return html`<strong>${host}</strong>`
  return html`<strong>${protocol}</strong> (an application on this device)`
}
