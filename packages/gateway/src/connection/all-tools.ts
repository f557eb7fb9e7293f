import { UpstreamFailure } from '../failure.ts'
import { fieldsOf, type Fields } from '../rpc-message.ts'
import type { Connection } from './connection.ts'

// What a list that never comes to an end may cost.
const mostPages = 100
const mostTools = 10_000
const mostCharacters = 32 * 1024 * 1024

/**
 * Every tool of a server, as it describes them.
 *
 * @param timeoutSeconds - for all of them, however many pages there are
 * @throws {UpstreamFailure} (as a rejection)
 */
export async function readAllTools(
  connection: Connection,
  timeoutSeconds: number,
): Promise<readonly Fields[]> {
  if (!connection.speech.description.has.tools) return []
  const found: Fields[] = []
  const end = performance.now() + timeoutSeconds * 1000
  let characters = 0
  let cursor: unknown
  for (let count = 0; count < mostPages; count += 1) {
    const params = cursor === undefined ? {} : { cursor }
    const left = Math.max(0, end - performance.now()) / 1000
    const response = await connection.ask({ method: 'tools/list', params }, left)
    if (response.kind === 'error') {
      const { code, message } = response.error
      throw new UpstreamFailure('malformed', `tools/list came to error ${code}: ${message}`)
    }
    const { tools, nextCursor } = response.result
    found.push(...(Array.isArray(tools) ? tools.map(fieldsOf) : []))
    characters += response.text.length
    cursor = nextCursor
    if (typeof cursor !== 'string' || found.length >= mostTools || characters > mostCharacters) break
  }
  return found
}
