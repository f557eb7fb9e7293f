import type { Call } from './call.ts'
import { paths } from './discovery.ts'
import type { Answer } from './envelope.ts'
import { hostNameOf, isLoopbackName, isPrivateHost } from './hosts.ts'
import type { Instance } from '../instance.ts'

export type CorsJudgement =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'go on'; readonly headers: Readonly<Record<string, string>> }

/** Which pages may ask what; the two endpoints that are open to all of them say so later. */
export function judgeOrigin(instance: Instance, call: Call): CorsJudgement {
  const { origin } = call.headers
  const isPreflight = call.method === 'OPTIONS'
  if (isOpen(call)) {
    return isPreflight
      ? { kind: 'answer', answer: { status: 200, headers: allow(origin), body: '' } }
      : { kind: 'go on', headers: {} }
  }
  if (origin === undefined) return { kind: 'go on', headers: {} }
  if (!mayAsk(instance, call.host, origin)) return { kind: 'answer', answer: { status: 403, body: '' } }
  return isPreflight
    ? { kind: 'answer', answer: { status: 200, headers: allow(origin), body: '' } }
    : { kind: 'go on', headers: allow(origin) }
}

/** The headers of userinfo and the token endpoint, whoever asks, and even if no page does. */
export function openHeaders(call: Call): Readonly<Record<string, string>> {
  return isOpen(call) ? allow(call.headers.origin) : {}
}

/** Only as long as nothing follows the path; and the token endpoint only for what needs no preflight. */
function isOpen({ url, method }: Call): boolean {
  return url === paths.userinfo || (url === paths.token && method !== 'OPTIONS')
}

function allow(origin = ''): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'POST, GET, OPTIONS, DELETE',
    'access-control-allow-headers': 'Content-Type, Authorization',
    'access-control-allow-credentials': 'true',
  }
}

function mayAsk(instance: Instance, host: string, origin: string): boolean {
  const authority = origin.replace(/^https?:\/\//, '')
  if (isLoopbackName(hostNameOf(authority)) || authority === host || isPrivateHost(host)) return true
  return instance.applications
    .all()
    .some(({ redirectUris }) => (redirectUris ?? []).some((uri) => originOf(uri) === origin))
}

/** Only of a web address: any other has the origin `null`, which pages without one send too. */
function originOf(uri: string): string | undefined {
  return /^https?:/i.test(uri) && URL.canParse(uri) ? new URL(uri).origin : undefined
}
