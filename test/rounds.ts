const long = process.env['DOORMAN_LONG_ROUNDS'] === '1'

/** How often something is tried: this often in the short rounds, and `times` as often in the long ones. */
export function repeats(short: number, times = 20): number {
  return long ? short * times : short
}

/** How often a property is tried. */
export function rounds(short: number): { readonly numRuns: number } {
  return { numRuns: repeats(short) }
}
