/** How long tokens last, in hours, as Casdoor has it; fractions are fine. */
export const lifetimes = {
  /** For what is set up here. A user who is forbidden keeps access no longer than this where nobody asks Casdoor. */
  access: 0.5,
  refresh: 168,
  /** What somebody else has chosen is kept up to here. */
  longestAccess: 24,
  longestRefresh: 720,
} as const

/** 0 means that tokens have ended when they arrive. */
export function isUsableAccess(hours: number): boolean {
  return hours > 0 && hours <= lifetimes.longestAccess
}

/** 0 means the same as the access token, which is then never refreshed in time. */
export function isUsableRefresh(hours: number, accessHours: number): boolean {
  return hours > accessHours && hours <= lifetimes.longestRefresh
}
