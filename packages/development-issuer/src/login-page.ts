import { html, type Login, type LoginView } from '@mcp-doorman/authorization-server'
import { claimsOf, type DevelopmentUser, verifyPassword } from './users.ts'

/** Logs in with name and password. */
export function createPasswordLogin(users: readonly DevelopmentUser[]): Login {
  return {
    page: (view) => ({ title: 'Sign in', content: loginForm(view) }),
    async verify(form) {
      return verifyPassword(users, form.get('username') ?? '', form.get('password') ?? '')?.name
    },
    findAccount(subject) {
      const user = users.find(({ name }) => name === subject)
      if (user === undefined) return undefined
      const { mayConsentTo } = user
      return { claims: claimsOf(user), ...(mayConsentTo !== undefined && { mayConsentTo }) }
    },
  }
}

function loginForm(view: LoginView): ReturnType<typeof html> {
  const focus = html`autofocus`
  const nowhere = html``
  return html`
    <p>to continue to <strong>${view.clientName}</strong></p>
    ${view.failed ? html`<p class="bad" role="alert">The name or the password is wrong.</p>` : nowhere}
    <form method="post" action="${view.action}">
      ${view.hiddenFields}
      <label for="username">User name</label>
      <input
        id="username"
        name="username"
        value="${view.username}"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
        required
        ${view.username === '' ? focus : nowhere}
      />
      <label for="password">Password</label>
      <input
        id="password"
        name="password"
        type="password"
        autocomplete="current-password"
        required
        ${view.username === '' ? nowhere : focus}
      />
      <button class="first">Sign in</button>
      <button name="decision" value="deny" formnovalidate>Cancel</button>
    </form>
    <p class="quiet">
      This is an issuer for development. Its users and passwords were shown when it started.
    </p>
  `
}
