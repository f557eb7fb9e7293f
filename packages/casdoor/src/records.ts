/**
 * An object as Casdoor keeps it: an organization, an application, a user.
 *
 * It has far more members than anybody here reads, and an update replaces it whole, so it is carried as it came and
 * read member by member.
 */
export type CasdoorRecord = Readonly<Record<string, unknown>>

export function isRecord(value: unknown): value is CasdoorRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member as text; empty when it is not there or is something else. */
export function textOf(record: CasdoorRecord, name: string): string {
  const value = Object.hasOwn(record, name) ? record[name] : undefined
  return typeof value === 'string' ? value : ''
}

/** The member as a number; 0 when it is not there or is something else. */
export function numberOf(record: CasdoorRecord, name: string): number {
  const value = Object.hasOwn(record, name) ? record[name] : undefined
  return typeof value === 'number' ? value : 0
}

/** Whether the member is `true`. */
export function isOn(record: CasdoorRecord, name: string): boolean {
  return Object.hasOwn(record, name) && record[name] === true
}

/** The texts of a list; Casdoor writes an empty list as `null` as well. */
export function textsOf(record: CasdoorRecord, name: string): readonly string[] {
  return listOf(record, name).filter((entry) => typeof entry === 'string')
}

/** The objects of a list. */
export function rowsOf(record: CasdoorRecord, name: string): readonly CasdoorRecord[] {
  return listOf(record, name).filter(isRecord)
}

function listOf(record: CasdoorRecord, name: string): readonly unknown[] {
  const value = Object.hasOwn(record, name) ? record[name] : undefined
  return Array.isArray(value) ? value : []
}

/** A certificate, without its private key, which is dropped where it arrives. */
export interface Certificate {
  readonly owner: string
  readonly name: string
  /** `x509` ones are published. */
  readonly type: string
  readonly cryptoAlgorithm: string
  /** PEM; empty when Casdoor has none. */
  readonly certificate: string
}

export function certificateFrom(record: CasdoorRecord): Certificate {
  return {
    owner: textOf(record, 'owner'),
    name: textOf(record, 'name'),
    type: textOf(record, 'type'),
    cryptoAlgorithm: textOf(record, 'cryptoAlgorithm'),
    certificate: textOf(record, 'certificate'),
  }
}

/** What Casdoor puts in the place of what the caller may not see. */
const mask = '***'

/** Whether an application is shown as everybody sees it, which is not as it is. */
export function isMasked(application: CasdoorRecord): boolean {
  return textOf(application, 'clientSecret') === mask || textOf(application, 'tokenFormat') === mask
}

/** The client id and secret of an application; those of `app-built-in` may administer all of a Casdoor. */
export interface ClientCredentials {
  readonly clientId: string
  readonly clientSecret: string
}

/** What an application has; masked where it was not read by an administrator. */
export function clientOf(application: CasdoorRecord): ClientCredentials {
  return { clientId: textOf(application, 'clientId'), clientSecret: textOf(application, 'clientSecret') }
}
