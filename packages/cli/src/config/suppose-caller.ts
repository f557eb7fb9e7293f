import type { Action, IdentityFacts, Item, ResourceServer } from '@mcp-doorman/resource-server'
import { UsageError } from '../failure.ts'
import { parseClaims } from '../inspect-token.ts'

const methods = { tool: 'tools/call', resource: 'resources/read', prompt: 'prompts/get' } as const

/** A request for one item, as it would be judged. */
export function actionOf(item: Item, args: Readonly<Record<string, unknown>> = {}): Action {
  const { kind, name } = item
  const params = kind === 'resource' ? { uri: name } : { name, arguments: args }
  const message = {
    kind: 'request',
    id: 1,
    method: methods[kind],
    params,
    item,
    subscribes: undefined,
  } as const
  return { era: 'modern', batch: false, messages: [message] }
}

/** Who is supposed to call. */
export interface SupposedCaller {
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  readonly client: string
  readonly subject: string
}

/** A caller that is described in words. */
export function callerFromWords({ scopes, roles, groups, client, subject }: SupposedCaller): IdentityFacts {
  return {
    issuer: 'https://issuer.invalid',
    subject,
    clientId: client,
    scopes: new Set(scopes),
    roles: new Set(roles),
    groups: new Set(groups),
    expiresAt: Number.POSITIVE_INFINITY,
    tokenId: '',
    tokenHash: '',
    callerKey: '',
    claims: { sub: subject, client_id: client, scope: scopes.join(' ') },
  }
}

/**
 * A caller with the claims of a token, of which nothing is checked.
 *
 * @param text - a JWT, or a JSON object of claims; messages do not repeat it
 * @throws {UsageError} when it is neither, or of an issuer that is not trusted
 */
export function callerFromClaims(text: string, { suppose }: Pick<ResourceServer, 'suppose'>): IdentityFacts {
  const given = text.trim().replace(/^bearer +/i, '')
  const claims = given.startsWith('{') ? parseJson(given) : parseClaims(given)
  if (claims === undefined) {
    throw new UsageError(
      'The input is neither a JWT nor a JSON object of claims. Give one on standard input.',
    )
  }
  const caller = suppose(claims)
  if (caller !== undefined) return caller
  throw new UsageError(
    'The claims are of an issuer ("iss") that this configuration does not trust, so a request with them gets no further than 401.',
  )
}

function parseJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>> // It begins with a brace.
  } catch {
    return undefined
  }
}
