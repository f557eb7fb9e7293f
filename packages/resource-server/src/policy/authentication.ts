import type { Identity } from '../identity/identity.ts'
import type { AuthenticationRequirement } from './rule.ts'

// What may stand in a list of a challenge: RFC 6749 §3.3 has the same for scopes.
const acrValue = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Whether a user has logged in as it is required. A token that does not say is not enough. Pure; never throws.
 *
 * @see RFC 9470 §5, §6.2
 */
export function meetsAuthentication(
  { claims }: Pick<Identity, 'claims'>,
  { acrValues, maxAgeSeconds }: AuthenticationRequirement,
  nowSeconds: number,
): boolean {
  const { acr, auth_time: time } = claims
  if (acrValues !== undefined && !(typeof acr === 'string' && acrValues.includes(acr))) return false
  return maxAgeSeconds === undefined || (typeof time === 'number' && nowSeconds - time <= maxAgeSeconds)
}

/** Adds to `problems` what is wrong with a requirement. */
export function checkAuthentication(
  place: string,
  { acrValues, maxAgeSeconds }: AuthenticationRequirement,
  problems: string[],
): void {
  if (acrValues === undefined && maxAgeSeconds === undefined) {
    problems.push(`${place}: asks for nothing. Give it acrValues or maxAgeSeconds, or remove it.`)
  }
  if (acrValues?.length === 0) {
    problems.push(`${place}.acrValues: is empty, which nobody can meet. Name one, or remove it.`)
  }
  for (const value of acrValues ?? []) {
    if (!acrValue.test(value)) {
      problems.push(`${place}.acrValues: "${value}" has characters that a challenge cannot carry.`)
    }
  }
  if (
    maxAgeSeconds !== undefined &&
    !(Number.isInteger(maxAgeSeconds) && maxAgeSeconds >= 1 && maxAgeSeconds <= 31_536_000)
  ) {
    problems.push(
      `${place}.maxAgeSeconds: must be a whole number from 1 to 31536000, and is ${maxAgeSeconds}.`,
    )
  }
}
