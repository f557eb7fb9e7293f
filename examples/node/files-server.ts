import { McpServer, type CallToolResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { ConfinedFolder, FolderError } from './confined-folder.ts'

const path = z.string().describe('From the top of the folder, with "/": "plans/summer.md"')

/** An MCP server that knows nothing of tokens. */
export function createFilesServer(folder: ConfinedFolder): McpServer {
  const server = new McpServer({ name: 'files', version: '1.0.0' })
  server.registerTool(
    'read_file',
    {
      description: 'Reads a text file.',
      inputSchema: z.object({ path }),
      annotations: { readOnlyHint: true },
    },
    ({ path }) => answer(() => folder.read(path)),
  )
  server.registerTool(
    'write_file',
    {
      description: 'Writes a text file, in place of what was there. Its folder must exist.',
      inputSchema: z.object({ path, content: z.string() }),
    },
    ({ path, content }) =>
      answer(() => {
        folder.write(path, content)
        return `Wrote ${path}.`
      }),
  )
  server.registerTool(
    'list_files',
    {
      description: 'Lists a folder; the names of folders end in "/".',
      inputSchema: z.object({ path: path.default('.') }),
      annotations: { readOnlyHint: true },
    },
    ({ path }) => answer(() => folder.list(path).join('\n')),
  )
  return server
}

/** What the folder refuses is an answer that the model can read; anything else is a fault of this server. */
function answer(work: () => string): CallToolResult {
  try {
    return { content: [{ type: 'text', text: work() }] }
  } catch (error) {
    if (!(error instanceof FolderError)) throw error
    return { content: [{ type: 'text', text: error.message }], isError: true }
  }
}
