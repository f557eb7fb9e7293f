/** What is to be answered. A text body is HTML or plain, by its type. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: object | string
  /** The session ends: the answer names a new one. */
  readonly endsSession?: boolean
  /** The answer names no session: it came before there was one. */
  readonly withoutSession?: boolean
}

export interface EnvelopeMembers {
  readonly sub?: string
  readonly name?: string
  readonly data2?: unknown
  readonly data3?: unknown
}

/** What Casdoor's own interface answers with, always with status 200. */
export function ok(data: unknown, members: EnvelopeMembers = {}): Answer {
  return envelope('ok', '', data, members)
}

export function failed(message: string, data: unknown = null): Answer {
  return envelope('error', message, data, {})
}

/** The shorter form of what stands before the interface: who may call what, and which fields a body may have. */
export function refused(message = 'Unauthorized operation'): Answer {
  return { status: 200, body: { status: 'error', msg: message, data: null, data2: null } }
}

function envelope(status: string, msg: string, data: unknown, members: EnvelopeMembers): Answer {
  const { sub = '', name = '', data2 = null, data3 = null } = members
  return { status: 200, body: { status, msg, sub, name, data, data2, data3 } }
}

/** An error in OAuth's form (RFC 6749 section 5.2). */
export function oauthError(error: string, description?: string): Answer {
  const body = { error, ...(description !== undefined && { error_description: description }) }
  return error === 'invalid_client'
    ? { status: 401, headers: { 'www-authenticate': 'Basic realm="OAuth2"' }, body }
    : { status: 400, body }
}

/** A path that callers may use and that leads nowhere. */
export function notFound(): Answer {
  return {
    status: 404,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: '<!DOCTYPE html>\n<html lang="en"><title>Page Not Found</title><h1>Page Not Found</h1></html>\n',
  }
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;' }

export function redirect(to: string): Answer {
  const location = to.replace(/[^\u0021-\u007e]/gu, encodeURIComponent) // What no header may hold.
  const link = location.replace(/[&<>"]/g, (character) => escapes[character] ?? '')
  return {
    status: 302,
    headers: { 'content-type': 'text/html; charset=utf-8', location },
    body: `<a href="${link}">Found</a>.\n\n`,
  }
}
