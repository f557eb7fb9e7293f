import { UpstreamFailure } from '../failure.ts'

/** Waits no longer than somebody wants to know. */
export async function abortable<Value>(
  pending: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (signal === undefined) return pending
  let stop: () => void = () => undefined
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(new UpstreamFailure('cancelled', 'The client cancelled.'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([pending, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
