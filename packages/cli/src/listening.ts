import { isLoopbackName } from '@mcp-doorman/mcp-endpoint'

/** What an operator should know of an address that others can reach; nothing of one that is this machine's alone. */
export function describeListening(host: string, port: number): readonly string[] {
  if (isLoopbackName(host)) return []
  return [`Listening on ${host}:${port} without TLS: only a proxy that ends TLS should reach it.`]
}

/** Fetches the issuers' keys, and says on standard error why they are not here. Never rejects. */
export async function tellOfMissingKeys(ready: () => Promise<readonly string[]>): Promise<void> {
  for (const problem of await ready()) {
    process.stderr.write(`Until this is mended, requests are answered 503. ${problem}\n`)
  }
}
