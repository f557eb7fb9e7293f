import { decodeJwt } from './recorded-exchanges.ts'

/** Texts that are made up anew each time: two of the same form are as good as equal. */
const random: readonly RegExp[] = [
  /^[0-9a-f]{20}$/,
  /^[0-9a-f]{40}$/,
  /^[0-9a-f]{64}$/,
  /^(?:admin\/)?[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  /^-----BEGIN CERTIFICATE-----\n[\s\S]+-----END CERTIFICATE-----\n$/,
]
/** Members that differ by key, and of which only the presence is compared. */
const keyMembers = ['n', 'x', 'y', 'x5c']
/** Members whose text is made up, without a form of its own. */
const madeUp = ['user_code']

/** The member that says that others were left out. */
const leftOut = '...'
/** What stands in a recording for something that was left out of it. */
const placeholder = /^<.*>$/

/** Which members of an object are compared: those of both, or those that were recorded. */
export type Compared = 'all members' | 'recorded members'

/** Lists the places at which an answer differs from the recorded one. */
export function findDifferences(
  recorded: unknown,
  answered: unknown,
  compared: Compared,
  place = '',
): readonly string[] {
  const difference = [`${place}: ${brief(answered)} instead of ${brief(recorded)}`]
  const member = place.slice(place.lastIndexOf('.') + 1)
  if (typeof recorded === 'string' && placeholder.test(recorded))
    return answered === undefined ? difference : []
  if (keyMembers.includes(member) && typeof recorded === typeof answered) return []
  if (typeof recorded === 'string' && typeof answered === 'string') {
    return isAsGood(recorded, answered, member) ? [] : (differInJwt(recorded, answered, place) ?? difference)
  }
  if (Array.isArray(recorded) && Array.isArray(answered)) {
    if (recorded.length !== answered.length) return difference
    return recorded.flatMap((item, index) =>
      findDifferences(item, answered[index], compared, `${place}[${index}]`),
    )
  }
  if (isObject(recorded) && isObject(answered))
    return findMemberDifferences(recorded, answered, compared, place)
  return Object.is(recorded, answered) ? [] : difference
}

function findMemberDifferences(
  recorded: Readonly<Record<string, unknown>>,
  answered: Readonly<Record<string, unknown>>,
  compared: Compared,
  place: string,
): readonly string[] {
  const names = new Set(Object.keys(recorded).filter((name) => name !== leftOut))
  if (compared === 'all members') for (const name of Object.keys(answered)) names.add(name)
  return [...names].flatMap((name) =>
    findDifferences(recorded[name], answered[name], compared, `${place}.${name}`),
  )
}

function isAsGood(recorded: string, answered: string, member: string): boolean {
  if (recorded === answered || madeUp.includes(member)) return true
  // Who a token is about is fixed by the data.
  if (member === 'sub') return false
  if (random.some((form) => form.test(recorded) && form.test(answered))) return true
  return withoutRandom(recorded) === withoutRandom(answered)
}

/** A message or an address, without the ids that stand in it. */
function withoutRandom(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/(?<=\bcode=|\/register\/)[0-9a-f]{20}\b/g, '<id>')
    .replace(/(?<=\/oauth\/device\/)\w{6}\b/, '<user code>')
    .replace(/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g, '<token>')
}

function differInJwt(recorded: string, answered: string, place: string): readonly string[] | undefined {
  if (!recorded.startsWith('eyJ') || !answered.startsWith('eyJ')) return undefined
  return findDifferences(decodeJwt(recorded), decodeJwt(answered), 'all members', place)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function brief(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}
