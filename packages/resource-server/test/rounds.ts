const long = process.env['DOORMAN_LONG_ROUNDS'] === '1'

/** How often a property is tried: this often in the short rounds, and twenty times as often in the long ones. */
export function rounds(short: number): { readonly numRuns: number } {
  return { numRuns: long ? short * 20 : short }
}
