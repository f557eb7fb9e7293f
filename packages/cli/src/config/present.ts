/** The members that have a value. */
export type Present<Members> = { [Name in keyof Members]: Exclude<Members[Name], undefined> }

/** A copy without members that are `undefined`, which other packages' options leave out rather than name. */
export function present<Members extends object>(members: Members): Present<Members> {
  // Exactly those members are left whose values the type keeps.
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Present<Members>
}

/** Freezes a tree of plain data with all that is in it. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
