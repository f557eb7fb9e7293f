import type { Claims } from '../keys/signing.ts'

export type DecodedUser =
  | { readonly ok: true; readonly name: string; readonly use: string }
  | { readonly ok: false; readonly message: string }

const standardFormat = 'JWT-Standard'
/** Claims that hold objects where a token says who its user is; texts in their place make it unreadable. */
const objectLists: Readonly<Record<string, string>> = { roles: 'Role', permissions: 'Permission' }

/**
 * Reads who a token's user is, as an application of one format reads it: one of JWT-Standard looks for other names than
 * the rest, whose address in turn is a list.
 */
export function decodeAsUser(claims: Claims, format: string): DecodedUser {
  const use = readUse(claims)
  if (format === standardFormat) return { ok: true, name: textOf(claims['preferred_username']), use }
  if (claims['address'] !== undefined && !Array.isArray(claims['address'])) {
    return unreadable('object', 'address', '[]string')
  }
  for (const [name, kind] of Object.entries(objectLists)) {
    const list = claims[name]
    if (Array.isArray(list) && list.some((item) => typeof item === 'string')) {
      return unreadable('string', name, `object.${kind}`)
    }
  }
  return { ok: true, name: textOf(claims['name']), use }
}

function unreadable(given: string, member: string, wanted: string): DecodedUser {
  const message = `token is malformed: could not JSON decode claim: json: cannot unmarshal ${given} into Go struct field Claims.User.${member} of type ${wanted}`
  return { ok: false, message }
}

/** The last claim of the name counts, whatever its case. */
function readUse(claims: Claims): string {
  const uses = Object.entries(claims).filter(([name]) => name.toLowerCase() === 'tokentype')
  return textOf(uses.at(-1)?.[1])
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
