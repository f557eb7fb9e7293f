import { readAllTools } from './connection/all-tools.ts'
import type { Connections } from './relayed/connections.ts'
import { fieldsOf, type Fields } from './rpc-message.ts'

/** A tool as its server describes it. Nothing of it is proven. */
export interface UpstreamTool {
  readonly name: string
  readonly description: string | undefined
  /** `ToolAnnotations` of MCP: hints that bind nobody. */
  readonly annotations: Fields
}

const nobody = { caller: undefined, callerKey: '' }

/** @throws {UpstreamFailure} (as a rejection) */
export async function listAllTools(
  connections: Connections,
  timeoutSeconds: number,
): Promise<readonly UpstreamTool[]> {
  const { connection, release } = await connections.take(nobody)
  try {
    return (await readAllTools(connection, timeoutSeconds)).flatMap(readTool)
  } finally {
    release()
  }
}

function readTool({ name, description, annotations }: Fields): readonly UpstreamTool[] {
  if (typeof name !== 'string') return []
  return [
    {
      name,
      description: typeof description === 'string' ? description : undefined,
      annotations: fieldsOf(annotations),
    },
  ]
}
