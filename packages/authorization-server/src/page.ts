import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** HTML in which everything that came from outside is escaped. Only {@link html} makes it. */
export interface Html {
  readonly markup: string
}

/** Builds HTML; what is put in is escaped, unless it is HTML made by this function. */
export function html(
  strings: TemplateStringsArray,
  ...values: readonly (Html | readonly Html[] | string)[]
): Html {
  const parts = strings.map((text, index) => text + markupOf(values[index] ?? ''))
  return { markup: parts.join('') }
}

function markupOf(value: Html | readonly Html[] | string): string {
  if (typeof value === 'string') return escapeHtml(value)
  return 'markup' in value ? value.markup : value.map((part) => part.markup).join('')
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
/** Control and direction characters can make a name look like another one, and have no place in it. */
const invisible = /(?![\t\n])[\p{Cc}\p{Cf}]/gu

function escapeHtml(text: string): string {
  return text.replace(invisible, '\ufffd').replace(/[&<>"']/g, (character) => escapes[character] ?? '')
}

const style = `
:root { color-scheme: light dark; --text: #1c2024; --quiet: #5b6470; --ground: #f4f5f7; --card: #fff; --line: #c5cbd3; --edge: #7d8590;
  --accent: #0b5cad; --on-accent: #fff; --bad: #a4161a; --focus: #0b5cad }
@media (prefers-color-scheme: dark) { :root { --text: #e8eaed; --quiet: #a3acb8; --ground: #14171a; --card: #1f2327;
  --line: #4a525c; --edge: #6f7884; --accent: #7db8f5; --on-accent: #0c1a28; --bad: #ff9b9b; --focus: #7db8f5 } }
* { box-sizing: border-box }
body { margin: 0; padding: 1rem; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 26rem; margin: 3vh auto 0; padding: 1.5rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; overflow-wrap: anywhere }
h1 { margin: 0 0 1rem; font-size: 1.3rem; line-height: 1.3 }
p, ul, dl, form { margin: 0 0 1rem }
main > :last-child { margin-bottom: 0 }
ul { padding-left: 1.25rem }
li { margin-bottom: .35rem }
dt { color: var(--quiet); font-size: .875rem }
dd { margin: 0 0 .6rem }
code { font-size: .875em }
.quiet { color: var(--quiet); font-size: .875rem }
.bad { padding: .6rem .8rem; border: 1px solid var(--bad); border-radius: .5rem; color: var(--bad) }
label { display: block; margin-bottom: .25rem; font-weight: 600 }
input, select { width: 100%; margin-bottom: 1rem; padding: .6rem .7rem; font: inherit; color: inherit; background: var(--ground);
  border: 1px solid var(--edge); border-radius: .5rem }
::placeholder { color: var(--quiet); opacity: 1 }
button { width: 100%; margin-top: .5rem; padding: .65rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  border: 1px solid var(--edge); border-radius: .5rem; color: inherit; background: transparent }
button.first { color: var(--on-accent); background: var(--accent); border-color: var(--accent) }
h2 { margin: 1.5rem 0 .5rem; font-size: 1.05rem }
details { margin-bottom: .35rem; border-top: 1px solid var(--line); padding-top: .35rem }
summary { padding: .25rem 0; cursor: pointer }
form.line { display: flex; gap: .75rem; align-items: center; justify-content: space-between; margin-bottom: .35rem }
form.line button { width: auto; margin: 0; flex: none }
button.plain { width: auto; padding: .25rem 0; border: 0; font-weight: 400; text-decoration: underline }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px }
`
/** Built here, since the hash is that of every character between the tags. */
const styleElement: Html = { markup: `<style>${style}</style>` }
const styleHash = createHash('sha256').update(style).digest('base64')

/**
 * Nothing but our own style; no scripts, no frames around it. There is no `form-action` on purpose: browsers apply it
 * to the redirects that follow a form as well, and the last of them goes to the client.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The headers of every page; also sent with a page that redirects. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': contentSecurityPolicy,
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** A whole page. */
export function formatPage(title: string, content: Html): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        ${styleElement}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html> `
  return page.markup
}

export function sendPage(response: ServerResponse, status: number, title: string, content: Html): void {
  const body = Buffer.from(formatPage(title, content))
  response
    .writeHead(status, {
      ...pageHeaders,
      'content-type': 'text/html; charset=utf-8',
      'content-length': body.length,
    })
    .end(body)
}

/** A page that says what went wrong and what to do now. */
export function sendErrorPage(response: ServerResponse, status: number, message: string): void {
  sendPage(response, status, 'This did not work', html`<p>${message}</p>`)
}
