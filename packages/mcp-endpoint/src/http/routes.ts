import type { ProtectedResourceMetadata, RequestForm } from '@mcp-doorman/resource-server'
import { documentCors } from './origin.ts'
import { errorResponse, type HttpResponse } from './respond.ts'

/** What stands at a path. */
export type Route =
  | { readonly kind: 'document'; readonly response: HttpResponse }
  | { readonly kind: 'guarded'; readonly form: RequestForm; readonly methods: string }

const root = '/.well-known/oauth-protected-resource'
const documentHeaders = {
  'content-type': 'application/json',
  'cache-control': 'public, max-age=300',
  ...documentCors,
}

export interface RouteOptions {
  readonly plainForm: boolean
  readonly sessions: boolean
  /** Whether this is the only resource of its origin, which clients that look at the root alone may then find there. */
  readonly alone: boolean
}

/**
 * The paths of one resource: MCP itself with and without the final slash, the plain form beside it, the metadata. Paths
 * are compared exactly, so that no other spelling reaches anything.
 *
 * Nothing redirects: clients drop the token or the body when they follow (CR5).
 */
export function createRoutes(
  metadata: ProtectedResourceMetadata,
  { plainForm, sessions, alone }: RouteOptions,
): ReadonlyMap<string, Route> {
  const path = new URL(metadata.document.resource).pathname
  const routes = new Map<string, Route>()
  const both = (at: string, route: Route): void => {
    routes.set(at, route)
    routes.set(at.endsWith('/') ? at.slice(0, -1) : `${at}/`, route)
  }
  both(path, { kind: 'guarded', form: 'mcp', methods: sessions ? 'GET, POST, DELETE' : 'POST' })
  if (plainForm) {
    const base = path.slice(0, path.lastIndexOf('/'))
    routes.set(`${base}/tools/list`, { kind: 'guarded', form: 'plain-list', methods: 'GET' })
    routes.set(`${base}/tools/call`, { kind: 'guarded', form: 'plain-call', methods: 'POST' })
  }
  const body = JSON.stringify(metadata.document)
  const own = new URL(metadata.url).pathname
  for (const at of metadata.paths) {
    if (at === root && at !== own && !alone) continue
    both(at, { kind: 'document', response: { status: 200, headers: documentHeaders, body } })
  }
  return routes
}

/** The answer to a request for a public document. */
export function answerDocument(method: string | undefined, document: HttpResponse): HttpResponse {
  if (method === 'GET' || method === 'HEAD') return document
  if (method === 'OPTIONS') return { status: 204, headers: documentCors, body: '' }
  const refused = errorResponse(405, 'method_not_allowed', 'This document can only be read.')
  return { ...refused, headers: { ...refused.headers, allow: 'GET, HEAD, OPTIONS' } }
}

/** The answer where nothing stands. Well-known addresses are probed by pages too, so those may read it. */
export function answerNothing(path: string): HttpResponse {
  const missing = errorResponse(404, 'not_found', 'There is nothing at this address.')
  return path.includes('/.well-known/')
    ? { ...missing, headers: { ...missing.headers, ...documentCors } }
    : missing
}
