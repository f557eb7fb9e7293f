import { UpstreamFailure } from '../failure.ts'
import { fieldsOf, type Fields } from '../rpc-message.ts'
import type { Connection } from './connection.ts'

// What a list that never comes to an end may cost.
const mostPages = 100
const mostTools = 10_000

/**
 * Every tool of a server, as it describes them.
 *
 * @throws {UpstreamFailure} (as a rejection)
 */
export async function readAllTools(
  connection: Connection,
  timeoutSeconds: number,
): Promise<readonly Fields[]> {
  if (!connection.speech.description.has.tools) return []
  const found: Fields[] = []
  let cursor: unknown
  for (let count = 0; count < mostPages; count += 1) {
    const params = cursor === undefined ? {} : { cursor }
    const response = await connection.ask({ method: 'tools/list', params }, timeoutSeconds)
    if (response.kind === 'error') {
      const { code, message } = response.error
      throw new UpstreamFailure('malformed', `tools/list came to error ${code}: ${message}`)
    }
    const { tools, nextCursor } = response.result
    found.push(...(Array.isArray(tools) ? tools.map(fieldsOf) : []))
    cursor = nextCursor
    if (typeof cursor !== 'string' || found.length >= mostTools) break
  }
  return found
}
