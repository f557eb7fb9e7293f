import { isDeepStrictEqual } from 'node:util'
import type { CasdoorRecord } from '../records.ts'

/** One member that becomes another. */
export interface FieldChange {
  /** As Casdoor's API calls it. */
  readonly field: string
  readonly before: unknown
  readonly after: unknown
}

/** What is to be done about one object, and why. Data only: nothing has happened yet. */
export interface ObjectPlan {
  readonly kind: 'organization' | 'certificate' | 'application' | 'user'
  readonly name: string
  readonly action: 'add' | 'update' | 'keep'
  /** Empty when it is kept. Never a password or a secret. */
  readonly changes: readonly FieldChange[]
  /** What the operator should know before. */
  readonly notices: readonly string[]
  /** What is sent: all of it, since an update replaces the whole. May have a password in it; not for display. */
  readonly body: CasdoorRecord
}

type Kind = ObjectPlan['kind']

/** Members that go to Casdoor and are never shown. */
const unseen: readonly string[] = ['password']

export function planAddition(
  kind: Kind,
  name: string,
  body: CasdoorRecord,
  notices: readonly string[] = [],
): ObjectPlan {
  const changes = Object.entries(body)
    .filter(([field]) => !unseen.includes(field))
    .map(([field, after]) => ({ field, before: undefined, after }))
  return { kind, name, action: 'add', changes, notices, body }
}

/** Compares what is wanted of an object with what was read; every other member stays as it was read. */
export function planUpdate(
  kind: Kind,
  name: string,
  current: CasdoorRecord,
  wanted: CasdoorRecord,
  notices: readonly string[] = [],
): ObjectPlan {
  const changes = Object.entries(wanted)
    .map(([field, after]) => ({ field, before: current[field], after }))
    .filter(({ before, after }) => !isSame(before, after))
  const body = { ...current, ...Object.fromEntries(changes.map(({ field, after }) => [field, after])) }
  return { kind, name, action: changes.length === 0 ? 'keep' : 'update', changes, notices, body }
}

/** Whether two values are one to Casdoor, which gives back empty lists and texts as `null` as well. */
export function isSame(one: unknown, other: unknown): boolean {
  return isEmpty(one) ? isEmpty(other) : isDeepStrictEqual(one, other)
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

/** The names of members that were written and are not so when read back. */
export function notKept(plan: ObjectPlan, readBack: CasdoorRecord): readonly string[] {
  // Of a certificate only some members are read, so that its private key is not.
  const comparable = plan.kind === 'certificate' ? Object.keys(readBack) : undefined
  return plan.changes
    .filter(({ field, after }) => !isSame(readBack[field], after))
    .map(({ field }) => field)
    .filter((field) => comparable?.includes(field) ?? true)
}
