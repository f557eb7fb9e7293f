import { formatPage, type Html, html, pageHeaders } from '@mcp-doorman/authorization-server'
import type { ApplicationRow } from '../rows/application-row.ts'
import type { Answer } from '../interface/envelope.ts'

/** Casdoor says nothing about caching its pages. */
const headers = Object.fromEntries(Object.entries(pageHeaders).filter(([name]) => name !== 'cache-control'))

/** A page in place of Casdoor's own, which is a single-page application and answers every path with status 200. */
function page(title: string, content: Html): Answer {
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'text/html; charset=utf-8' },
    body: formatPage(title, content),
    withoutSession: true,
  }
}

export function otherPage(): Answer {
  return page('Casdoor', html`<p>This double of Casdoor has no page here.</p>`)
}

/** Casdoor never sends a mistake back to the client: people read it here. */
export function mistakePage(message: string): Answer {
  return page('Casdoor', html`<p class="bad" role="alert">${message}</p>`)
}

export function loginPage(application: ApplicationRow, name: string, mistake?: string): Answer {
  const complaint =
    mistake === undefined ? html`` : html`<p id="mistake" class="bad" role="alert">${mistake}</p>`
  const describedBy = mistake === undefined ? html`` : html`aria-describedby="mistake" aria-invalid="true"`
  return page(
    `Sign in to ${labelOf(application)}`,
    html`${complaint}
      <form method="post">
        <label for="username">User name or e-mail address</label>
        <input
          id="username"
          name="username"
          value="${name}"
          autocomplete="username"
          autocapitalize="none"
          required
          ${describedBy}
        />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          ${describedBy}
        />
        <button class="first" name="action" value="login">Sign in</button>
      </form>`,
  )
}

/** After a device was approved; it asks for its tokens itself. */
export function approvedPage(application: ApplicationRow): Answer {
  return page('Device signed in', html`<p>${labelOf(application)} goes on by itself. Close this page.</p>`)
}

/** For somebody who is signed in already, to an application that does not go on by itself. */
export function continuePage(application: ApplicationRow, user: string): Answer {
  return page(
    `Sign in to ${labelOf(application)}`,
    html`<p>You are signed in as <strong>${user}</strong>.</p>
      <form method="post">
        <button class="first" name="action" value="continue">Continue as ${user}</button>
        <button name="action" value="leave">Use another account</button>
      </form>`,
  )
}

export function consentPage(application: ApplicationRow, user: string, scopes: readonly string[]): Answer {
  const rows = (application.customScopes ?? []).filter(({ scope }) => scopes.includes(scope))
  return page(
    `Allow ${labelOf(application)}?`,
    html`<p>It asks to act for <strong>${user}</strong>, and to:</p>
      <ul>
        ${rows.map(({ scope, displayName }) => html`<li>${displayName} <code>${scope}</code></li>`)}
      </ul>
      <form method="post">
        <button class="first" name="action" value="allow">Allow</button>
        <button name="action" value="deny">Deny</button>
      </form>`,
  )
}

function labelOf({ displayName, name }: ApplicationRow): string {
  return displayName === '' ? name : displayName
}
