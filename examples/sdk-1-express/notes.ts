import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

const notes: string[] = ['Buy apples']

/** An MCP server that knows nothing of tokens. */
export function makeServer(): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('read_notes', { description: 'Reads all notes.' }, () => ({
    content: [{ type: 'text', text: notes.join('\n') }],
  }))
  server.registerTool(
    'add_note',
    { description: 'Adds a note.', inputSchema: { text: z.string() } },
    ({ text }) => {
      notes.push(text)
      return { content: [{ type: 'text', text: 'Added.' }] }
    },
  )
  return server
}
