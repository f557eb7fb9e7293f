import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Html, html, isForm, isThisMachine, readBody, sendPage } from '@mcp-doorman/authorization-server'
import { equalTexts } from '../users.ts'
import type { FaultGroup } from './fault-kind.ts'
import { isFaultName } from './fault-table.ts'
import type { FaultDescription, Faults } from './faults.ts'

const maxFormBytes = 16_384
const parameterPrefix = 'parameter.'

const groupTitles: Readonly<Record<FaultGroup, string>> = {
  answers: 'Answers of any endpoint',
  metadata: 'Metadata',
  registration: 'Registration',
  login: 'Login and redirect',
  tokens: 'Tokens',
  keys: 'Keys',
}

/** Answers the page that shows and switches the faults. */
export type FaultsPage = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * The page is for a browser on this machine: no other address is answered, nor a name that was pointed at this one. A
 * form must carry a token that only the page tells, so that no page of another origin can switch anything.
 *
 * @param path - where the page stands, absolute
 */
export function createFaultsPage(faults: Faults, path: string): FaultsPage {
  const formToken = randomBytes(32).toString('base64url')

  function show(response: ServerResponse, status: number, problem: string | undefined): void {
    sendPage(response, status, 'Faults', pageContent(faults.list(), path, formToken, problem))
  }

  return async (request, response) => {
    if (!isThisMachine(request.socket.remoteAddress ?? '') || !isLocalHost(request.headers.host)) {
      return refusePage(response, 403, 'This page is for browsers on the machine of the issuer only.')
    }
    if (request.method === 'GET' || request.method === 'HEAD') return show(response, 200, undefined)
    if (request.method !== 'POST' || !isForm(request))
      return refusePage(response, 405, 'This page takes forms only.')
    const body = await readBody(request, maxFormBytes)
    if (!body.ok) {
      response.setHeader('connection', 'close')
      return refusePage(response, body.status, 'The form arrived damaged. Go back and send it again.')
    }
    const form = new URLSearchParams(body.value.toString())
    if (!equalTexts(form.get('form_token') ?? '', formToken)) {
      return refusePage(response, 403, 'The form is not from this page. Open the page again.')
    }
    const problem = await applyForm(faults, form)
    if (problem !== undefined) return show(response, 400, problem)
    // What a browser loads again is the page, not the form.
    response.writeHead(303, { location: path, 'content-length': 0 }).end()
  }
}

async function applyForm(faults: Faults, form: URLSearchParams): Promise<string | undefined> {
  const name = form.get('fault') ?? ''
  const wish = form.get('switch')
  if (wish === 'clear') {
    faults.clear()
    return undefined
  }
  if (!isFaultName(name)) return 'There is no such fault.'
  if (wish === 'off') {
    faults.disable(name)
    return undefined
  }
  const parameters = [...form].flatMap(([field, value]) =>
    field.startsWith(parameterPrefix) && value !== '' ? [[field.slice(parameterPrefix.length), value]] : [],
  )
  try {
    await faults.enable(name, Object.fromEntries(parameters))
    return undefined
  } catch (error) {
    if (error instanceof TypeError) return error.message
    throw error
  }
}

function pageContent(
  all: readonly FaultDescription[],
  path: string,
  formToken: string,
  problem: string | undefined,
): Html {
  const token = html`<input type="hidden" name="form_token" value="${formToken}" />`
  const on = all.filter((fault) => fault.on !== undefined)
  const groups = Object.entries(groupTitles).map(([group, title]) => ({
    title,
    faults: all.filter((fault) => fault.group === group),
  }))
  return html`
    ${problem === undefined ? html`` : html`<p class="bad" role="alert">${problem}</p>`}
    <p>What is on here, the issuer does to every client, until it is switched off or the issuer ends.</p>
    ${on.length === 0 ? html`<p>Nothing is on: the issuer behaves.</p>` : whatIsOn(on, path, token)}
    ${groups.map(
      ({ title, faults }) => html`
        <h2>${title}</h2>
        ${faults.map((fault) => faultPart(fault, path, token))}
      `,
    )}
  `
}

function whatIsOn(on: readonly FaultDescription[], path: string, token: Html): Html {
  return html`
    <h2>On now</h2>
    ${on.map(
      ({ name, on: values }) => html`
        <form method="post" action="${path}" class="line">
          ${token}
          <input type="hidden" name="fault" value="${name}" />
          <span><strong>${name}</strong> <span class="quiet">${formatValues(values ?? {})}</span></span>
          <button name="switch" value="off" aria-label="Switch ${name} off">Off</button>
        </form>
      `,
    )}
    <form method="post" action="${path}">
      ${token}
      <button class="first" name="switch" value="clear">Switch everything off</button>
    </form>
  `
}

function faultPart(fault: FaultDescription, path: string, token: Html): Html {
  const { name, title, causes, parameters } = fault
  return html`
    <details>
      <summary><strong>${name}</strong>: ${title}</summary>
      <ul class="quiet">
        ${causes.map(({ id, symptom }) => html`<li>${id}: ${symptom}</li>`)}
      </ul>
      <form method="post" action="${path}">
        ${token}
        <input type="hidden" name="fault" value="${name}" />
        ${parameters.map((parameter) => field(name, parameter))}
        <button name="switch" value="on" aria-label="Switch ${name} on">On</button>
      </form>
    </details>
  `
}

function field(fault: string, parameter: FaultDescription['parameters'][number]): Html {
  const { name, says, values, initial, choices } = parameter
  const id = `${fault}.${name}`
  const label = html`<label for="${id}">${name} <span class="quiet">(${says})</span></label>`
  if (choices.length > 0) {
    return html`${label}<select id="${id}" name="${parameterPrefix}${name}">
        ${choices.map((choice) => html`<option>${choice}</option>`)}
      </select>`
  }
  return html`${label}<input
      id="${id}"
      name="${parameterPrefix}${name}"
      placeholder="${initial}"
      aria-describedby="${id}.values"
    />
    <p class="quiet" id="${id}.values">${values}</p>`
}

function formatValues(values: NonNullable<FaultDescription['on']>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')
}

function refusePage(response: ServerResponse, status: number, message: string): void {
  sendPage(response, status, 'This did not work', html`<p>${message}</p>`)
}

/** Against DNS rebinding: the name that the browser was told must be one of this machine. */
function isLocalHost(host: string | undefined): boolean {
  return URL.canParse(`http://${host}`) && isThisMachine(new URL(`http://${host}`).hostname)
}
