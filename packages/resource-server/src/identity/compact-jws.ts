/** A compact JWS taken apart. Nothing in it is proven yet. */
export interface UnverifiedJws {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * Takes a compact JWS with a JSON payload apart; `undefined` when it is not exactly that.
 *
 * Each part must be canonical base64url: a stray trailing bit would give one signature several spellings, which
 * slip past anything keyed by the token's hash (requirement C12). Encrypted tokens (five parts), the JSON
 * serialization and an empty signature are refused. Never throws. Verifies nothing.
 *
 * @see RFC 7515 §3.1, §7.1
 */
export function parseCompactJws(token: string): UnverifiedJws | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const [header, claims, signature] = parts.map(decodeCanonical)
  if (header === undefined || claims === undefined || signature === undefined || signature.length === 0) {
    return undefined
  }
  const headerObject = parseObject(header)
  const claimsObject = parseObject(claims)
  if (headerObject === undefined || claimsObject === undefined) return undefined
  return { header: headerObject, claims: claimsObject }
}

function decodeCanonical(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
    // An object that is neither null nor an array is a record of unknown values.
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
