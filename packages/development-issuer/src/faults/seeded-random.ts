/**
 * Numbers from 0 up to 1 that look random and are the same for the same seed. For repeatable tests; nothing that is to
 * be secret may come of them.
 *
 * A linear congruential step (multiplier and increment of Numerical Recipes) whose bits are mixed before they are used.
 *
 * @param seed - a whole number from 0 to 4294967295
 */
export function createSeededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x45d9_f3b) ^ (mixed >>> 15)
    return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32
  }
}
