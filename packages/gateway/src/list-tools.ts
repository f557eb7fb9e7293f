import { UpstreamFailure } from './failure.ts'
import { fieldsOf, type Fields } from './rpc-message.ts'
import type { Connections } from './relayed/connections.ts'

/** A tool as its server describes it. Nothing of it is proven. */
export interface UpstreamTool {
  readonly name: string
  readonly description: string | undefined
  /** `ToolAnnotations` of MCP: hints that bind nobody. */
  readonly annotations: Fields
}

const mostPages = 100

/** @throws {UpstreamFailure} (as a rejection) */
export async function listAllTools(
  connections: Connections,
  timeoutSeconds: number,
): Promise<readonly UpstreamTool[]> {
  const nobody = { caller: undefined, callerKey: '' }
  const { connection, release } = await connections.take(nobody)
  try {
    if (!connection.speech.description.has.tools) return []
    const tools: UpstreamTool[] = []
    let cursor: unknown
    for (let count = 0; count < mostPages; count += 1) {
      const params = cursor === undefined ? {} : { cursor }
      const response = await connection.ask({ method: 'tools/list', params }, timeoutSeconds)
      if (response.kind === 'error') {
        throw new UpstreamFailure('malformed', `tools/list came to an error: ${response.error.message}`)
      }
      const { tools: listed, nextCursor } = response.result
      tools.push(...(Array.isArray(listed) ? (listed as readonly unknown[]).flatMap(readTool) : []))
      cursor = nextCursor
      if (typeof cursor !== 'string') break
    }
    return tools
  } finally {
    release()
  }
}

function readTool(listed: unknown): readonly UpstreamTool[] {
  const { name, description, annotations } = fieldsOf(listed)
  if (typeof name !== 'string') return []
  return [
    {
      name,
      description: typeof description === 'string' ? description : undefined,
      annotations: fieldsOf(annotations),
    },
  ]
}
