/**
 * Waits for SIGINT or SIGTERM, then closes everything, in order.
 *
 * A second signal, or a close that takes longer than 15 seconds, ends the process at once.
 */
export async function closeOnSignal(closers: readonly (() => Promise<void> | void)[]): Promise<void> {
  await new Promise<void>((resolve) => {
    let signals = 0
    const onSignal = (): void => {
      signals += 1
      if (signals > 1) process.exit(1)
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
  const late = setTimeout(() => process.exit(1), 15_000)
  for (const close of closers) await close()
  clearTimeout(late)
}
