/**
 * Begins to listen for SIGINT, SIGTERM and what is named further; resolves with the first.
 *
 * A second one ends the process at once.
 */
export function waitForSignal(...further: readonly NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0
    const onSignal = (): void => {
      signals += 1
      if (signals > 1) process.exit(1)
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM', ...further] as const) process.on(signal, onSignal)
  })
}

/** Closes everything, in order. Ends the process when that takes longer than 15 seconds. */
export async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const late = setTimeout(() => process.exit(1), 15_000)
  for (const close of closers) await close()
  clearTimeout(late)
}
