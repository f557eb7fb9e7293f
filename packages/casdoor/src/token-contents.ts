import { isRecord, rowsOf, textOf, type CasdoorRecord } from './records.ts'

/** The format whose claims are chosen one by one; the others carry the user's record, or rename claims. */
export const customFormat = 'JWT-Custom'

/** The only format with the whole record of the user in it: salt, second factor, recovery codes. */
export const wholeRecordFormat = 'JWT'

export const tokenFormats: readonly string[] = ['JWT', 'JWT-Empty', 'JWT-Custom', 'JWT-Standard']

/** Claims that are chosen: the organization, the name, and the names of permissions. */
export const chosenFields: readonly string[] = ['Owner', 'Name', 'permissionNames']

/** With roles: groups are a field; the names of roles are an attribute of our own. */
export const groupsField = 'Groups'
export const roleNames = {
  name: 'role_names',
  category: 'Static Value',
  value: '$user.roles',
  type: 'Array',
} as const

/**
 * Lists of objects in Casdoor's record of a user. It reads the claims of a token into such a record when it is asked
 * about it or is to refresh it; a list of strings does not fit there, and both fail. Groups are strings in both.
 */
const objectLists: readonly string[] = ['roles', 'permissions']

/** The attributes that break introspection and refresh. */
export function shadowingAttributes(application: CasdoorRecord): readonly CasdoorRecord[] {
  return rowsOf(application, 'tokenAttributes').filter((row) => objectLists.includes(textOf(row, 'name')))
}

/** The same, seen in the claims of a token: names where Casdoor itself writes objects. */
export function shadowingClaims(claims: CasdoorRecord): readonly string[] {
  return objectLists.filter((name) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined
    return Array.isArray(value) && value.length > 0 && !value.every(isRecord)
  })
}
