import type { Outbound } from '@mcp-doorman/outbound'

/** What an issuer has published: its keys, and for Casdoor whom an application's tokens may come from. */
export interface IssuerDocuments {
  readonly keys: readonly unknown[]
  /** The application that was named in the configuration, as the provider knows it. */
  readonly application?: { readonly clientId: string; readonly owner: string }
}

export type LoadResult =
  | { readonly ok: true; readonly documents: IssuerDocuments }
  | { readonly ok: false; readonly reason: string }

/** Fetches what an issuer has published. Never throws. */
export type LoadIssuer = () => Promise<LoadResult>

/** Where to ask about something. Never rejects. */
export type FindEndpoint = (
  signal: AbortSignal,
) => Promise<{ readonly ok: true; readonly url: string } | { readonly ok: false; readonly reason: string }>

const maxKeys = 64

/** Makes the question for one load: all that it fetches together has the time of one, since somebody waits for it. */
export type StartAsking = () => Ask

/** Fetches a JSON object. Never rejects. */
type Ask = (url: string) => Promise<JsonResult>

export function createAsking(outbound: Outbound, timeoutSeconds: number): StartAsking {
  return () => asking(outbound, AbortSignal.timeout(timeoutSeconds * 1000))
}

function asking(outbound: Outbound, signal: AbortSignal): Ask {
  return (url) => fetchJson(outbound, url, signal)
}

/** Loads keys by discovery. With `jwksUri` no document is asked for. */
export function createStandardLoader(
  startAsking: StartAsking,
  issuer: string,
  jwksUri: string | undefined,
): LoadIssuer {
  return async () => {
    const ask = startAsking()
    if (jwksUri !== undefined) return loadKeys(ask, jwksUri)
    const found = await discover(ask, issuer)
    return found.ok ? loadDiscoveredKeys(ask, found) : found
  }
}

type FoundEndpoint = Awaited<ReturnType<FindEndpoint>>

// How soon a document is asked for again that could not be had; its old endpoint goes on meanwhile.
const endpointRetrySeconds = 30

/**
 * Finds the introspection endpoint that an issuer's metadata names.
 *
 * One search serves all who wait. Once it is known nobody waits again: it is looked up anew behind the requests, and an
 * endpoint does not end with its document.
 */
export function createEndpointFinder(
  outbound: Outbound,
  issuer: string,
  maxAgeSeconds: number,
  nowSeconds: () => number,
): FindEndpoint {
  let known: { readonly url: string; readonly endsAt: number } | undefined
  let searching: Promise<FoundEndpoint> | undefined

  async function search(signal: AbortSignal): Promise<FoundEndpoint> {
    const found = await discover(asking(outbound, signal), issuer)
    if (!found.ok) return found
    const url = found.document['introspection_endpoint']
    if (typeof url !== 'string') return { ok: false, reason: `${found.url} names no introspection_endpoint` }
    known = { url, endsAt: nowSeconds() + maxAgeSeconds }
    return { ok: true, url }
  }

  function searchOnce(signal: AbortSignal): Promise<FoundEndpoint> {
    searching ??= search(signal).finally(() => (searching = undefined))
    return searching
  }

  return (signal) => {
    if (known === undefined) return searchOnce(signal)
    const { url, endsAt } = known
    const now = nowSeconds()
    if (now >= endsAt) {
      known = { url, endsAt: now + endpointRetrySeconds }
      void searchOnce(signal)
    }
    return Promise.resolve({ ok: true, url })
  }
}

type Discovered =
  | { readonly ok: true; readonly url: string; readonly document: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly reason: string }

/**
 * Finds an issuer's metadata: RFC 8414 with the path inserted, then the two OpenID forms (requirement A19). Its `issuer`
 * must be the configured string.
 */
async function discover(ask: Ask, issuer: string): Promise<Discovered> {
  const reasons: string[] = []
  for (const url of discoveryUrls(issuer)) {
    const answer = await ask(url)
    if (answer.ok) return judgeIssuer(url, issuer, answer.value)
    reasons.push(answer.reason)
  }
  return { ok: false, reason: `no discovery document: ${reasons.join('; ')}` }
}

function judgeIssuer(url: string, issuer: string, document: Readonly<Record<string, unknown>>): Discovered {
  return document['issuer'] === issuer
    ? { ok: true, url, document }
    : { ok: false, reason: `${url} names another issuer than the configured ${issuer}` }
}

/**
 * Loads the keys and the client id of one Casdoor application.
 *
 * Its own discovery document leads to its own key; Casdoor serves one for any name, so that the application exists
 * is asked separately. Without an application the instance's documents are used.
 */
export function createCasdoorLoader(
  startAsking: StartAsking,
  issuer: string,
  application: string | undefined,
): LoadIssuer {
  if (application === undefined) return createStandardLoader(startAsking, issuer, undefined)
  const name = encodeURIComponent(application)
  return async () => {
    const ask = startAsking()
    const found = await ask(`${issuer}/api/get-application?id=admin/${name}`)
    if (!found.ok) return found
    const data = found.value['data']
    // Both members are checked below before they are used.
    const { clientId, organization } = (typeof data === 'object' && data !== null ? data : {}) as Record<
      string,
      unknown
    >
    if (typeof clientId !== 'string' || clientId === '' || typeof organization !== 'string') {
      return { ok: false, reason: `Casdoor at ${issuer} has no application "${application}"` }
    }
    const url = `${issuer}/.well-known/${name}/openid-configuration`
    const answer = await ask(url)
    if (!answer.ok) return answer
    const discovered = judgeIssuer(url, issuer, answer.value)
    if (!discovered.ok) return discovered
    const loaded = await loadDiscoveredKeys(ask, discovered)
    if (!loaded.ok) return loaded
    return {
      ok: true,
      documents: { keys: loaded.documents.keys, application: { clientId, owner: organization } },
    }
  }
}

async function loadDiscoveredKeys(
  ask: Ask,
  { url, document }: Discovered & { readonly ok: true },
): Promise<LoadResult> {
  const uri = document['jwks_uri']
  if (typeof uri !== 'string') return { ok: false, reason: `${url} has no jwks_uri` }
  return loadKeys(ask, uri)
}

async function loadKeys(ask: Ask, url: string): Promise<LoadResult> {
  const set = await ask(url)
  if (!set.ok) return set
  const keys = set.value['keys']
  // Casdoor answers 200 with an error envelope: only an array of keys is a key set.
  if (!Array.isArray(keys)) return { ok: false, reason: `${url} is not a key set` }
  if (keys.length > maxKeys) return { ok: false, reason: `${url} has more than ${maxKeys} keys` }
  return { ok: true, documents: { keys } }
}

type JsonResult =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly reason: string }

async function fetchJson(outbound: Outbound, url: string, signal: AbortSignal): Promise<JsonResult> {
  const answer = await outbound.request({ url, headers: { accept: 'application/json' }, signal })
  if (!answer.ok) {
    return { ok: false, reason: signal.aborted ? `${url} was not answered in time` : answer.message }
  }
  if (answer.status !== 200) return { ok: false, reason: `${url} answered ${answer.status}` }
  try {
    const value: unknown = JSON.parse(answer.body.toString('utf8'))
    // An object that is neither null nor an array is a record of unknown values.
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { ok: true, value: value as Record<string, unknown> }
    }
  } catch {
    // Said below, together with JSON that is no object.
  }
  return { ok: false, reason: `${url} did not answer with a JSON object` }
}

function discoveryUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname.replace(/\/$/, '')
  return [
    ...new Set([
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ]),
  ]
}
