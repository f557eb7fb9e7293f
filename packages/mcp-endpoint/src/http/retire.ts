import type { Mounted } from './mount-table.ts'

/** Begins nothing that lasts any more, and ends what ends only when somebody ends it: its clients can go elsewhere. */
export function endStreams(mounted: Mounted, reason: string): void {
  mounted.draining = true
  mounted.sessions?.endOwnStreams()
  for (const cancellation of mounted.endless) cancellation.cancel(reason)
}

/** Ends whatever has not come to its end. */
export function cancelCalls({ underWay }: Mounted, reason: string): void {
  for (const cancellation of underWay) cancellation.cancel(reason)
}

/**
 * Takes leave of a mount that requests do not come to any more. Those under way end as they began, within a time.
 *
 * @param keepSessions - whether its sessions go on elsewhere
 */
export async function retire(mounted: Mounted, drainSeconds: number, keepSessions: boolean): Promise<void> {
  const reason = 'the configuration was replaced'
  endStreams(mounted, reason)
  const timer = setTimeout(() => cancelCalls(mounted, reason), drainSeconds * 1000)
  await Promise.allSettled(mounted.requests)
  clearTimeout(timer)
  if (!keepSessions) mounted.sessions?.close()
}
