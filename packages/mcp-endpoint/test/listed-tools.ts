import { readPlainAction } from '@mcp-doorman/resource-server'
import type { ServerEnd } from '@mcp-doorman/mcp-endpoint'
import { Cancellation } from '#internal/cancellation'
import type { Channel } from '#internal/run-context'
import { StdioRun } from '#internal/stdio/stdio-run'

/** All tools of a server end, as the text of an array: for somebody to whom everything is shown. */
export async function listedTools({ transport }: ServerEnd): Promise<string> {
  const read = readPlainAction('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
  const message = read.ok ? read.action.messages[0] : undefined
  if (message === undefined) throw new Error('The request cannot be read.')
  const channel: Channel = { open: () => 'gone', emit: () => undefined, detach: () => undefined }
  const outcome = await transport.listTools(
    message,
    new StdioRun('legacy', new Cancellation(), channel, undefined),
  )
  return outcome.kind === 'result' ? outcome.json : ''
}
