/** What happens at an upstream, for the operator. May hold what the upstream wrote: never for a client. */
export type UpstreamEvent =
  /** A process was started for one principal, or for all. */
  | { readonly kind: 'started'; readonly pid: number }
  | {
      readonly kind: 'exited'
      readonly pid: number
      readonly code: number | null
      readonly signal: string | null
      /** Whether the gateway wanted it to. */
      readonly expected: boolean
    }
  /** A line that a process wrote to its standard error; long ones are cut, and too many left out. */
  | { readonly kind: 'stderr'; readonly pid: number; readonly text: string }
  /** A request, or the beginning of a connection, came to nothing. */
  | { readonly kind: 'failed'; readonly reason: string; readonly detail: string }

export type OnUpstreamEvent = (event: UpstreamEvent) => void
