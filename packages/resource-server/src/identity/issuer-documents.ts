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

const maxKeys = 64

/**
 * Loads keys by discovery: RFC 8414 with the path inserted, then the two OpenID forms (requirement A19).
 *
 * The document's `issuer` must be the configured string. With `jwksUri` no document is asked for.
 */
export function createStandardLoader(
  outbound: Outbound,
  issuer: string,
  jwksUri: string | undefined,
): LoadIssuer {
  return async () => {
    if (jwksUri !== undefined) return loadKeys(outbound, jwksUri)
    const reasons: string[] = []
    for (const url of discoveryUrls(issuer)) {
      const document = await fetchJson(outbound, url)
      if (!document.ok) {
        reasons.push(document.reason)
        continue
      }
      return loadDiscoveredKeys(outbound, url, issuer, document.value)
    }
    return { ok: false, reason: `no discovery document: ${reasons.join('; ')}` }
  }
}

/**
 * Loads the keys and the client id of one Casdoor application.
 *
 * Its own discovery document leads to its own key; Casdoor serves one for any name, so that the application exists
 * is asked separately. Without an application the instance's documents are used.
 */
export function createCasdoorLoader(
  outbound: Outbound,
  issuer: string,
  application: string | undefined,
): LoadIssuer {
  if (application === undefined) return createStandardLoader(outbound, issuer, undefined)
  const name = encodeURIComponent(application)
  return async () => {
    const found = await fetchJson(outbound, `${issuer}/api/get-application?id=admin/${name}`)
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
    const document = await fetchJson(outbound, url)
    if (!document.ok) return document
    const loaded = await loadDiscoveredKeys(outbound, url, issuer, document.value)
    if (!loaded.ok) return loaded
    return {
      ok: true,
      documents: { keys: loaded.documents.keys, application: { clientId, owner: organization } },
    }
  }
}

async function loadDiscoveredKeys(
  outbound: Outbound,
  url: string,
  issuer: string,
  document: Readonly<Record<string, unknown>>,
): Promise<LoadResult> {
  if (document['issuer'] !== issuer) {
    return { ok: false, reason: `${url} names another issuer than the configured ${issuer}` }
  }
  const uri = document['jwks_uri']
  if (typeof uri !== 'string') return { ok: false, reason: `${url} has no jwks_uri` }
  return loadKeys(outbound, uri)
}

async function loadKeys(outbound: Outbound, url: string): Promise<LoadResult> {
  const set = await fetchJson(outbound, url)
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

async function fetchJson(outbound: Outbound, url: string): Promise<JsonResult> {
  const answer = await outbound.request({ url, headers: { accept: 'application/json' } })
  if (!answer.ok) return { ok: false, reason: answer.message }
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
