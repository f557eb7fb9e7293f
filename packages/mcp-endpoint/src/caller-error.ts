/**
 * An error that the caller is told: its message becomes a result with `isError` of a tool, or the error of a resource
 * or prompt. Every other exception is told to the operator only. Put nothing into it that is not for the caller.
 */
export class CallerError extends Error {
  override readonly name = 'CallerError'
}
