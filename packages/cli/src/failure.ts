/** A mistake in how the command was called: ends it with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Says what went wrong in one message, without a stack: what a user can act on is in the text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Says which option to change when an address cannot be listened on; gives other errors back as they are. */
export function explainListenError(error: unknown, host: string, port: number, option: string): unknown {
  const code = codeOf(error) ?? (error instanceof Error ? codeOf(error.cause) : undefined)
  if (code === 'EADDRINUSE') {
    return new Error(
      `Port ${port} on ${host} is in use. Stop what listens there, or choose another with ${option}.`,
    )
  }
  if (code === 'EACCES')
    return new Error(`This account may not use port ${port}. Choose one above 1023 with ${option}.`)
  if (code === 'EADDRNOTAVAIL') return new Error(`${host} is no address of this machine. Correct --host.`)
  return error
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
