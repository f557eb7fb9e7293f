// An MCP server over stdio that says who it is: what it was started with, and where. No library, no types.
import { createInterface } from 'node:readline'

const answer = (id, result) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`)
const inputSchema = { type: 'object' }

if (process.argv.includes('--stubborn')) {
  // Neither the end of its input nor a signal that can be ignored ends it.
  process.on('SIGTERM', () => undefined)
  setInterval(() => undefined, 1000)
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  switch (method) {
    case 'initialize':
      answer(id, {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'small', version: '1' },
      })
      break
    case 'tools/list':
      answer(id, {
        tools: [
          { name: 'who', inputSchema, annotations: { readOnlyHint: true }, description: 'Says who it is' },
          { name: 'change', inputSchema, annotations: { destructiveHint: true } },
        ],
      })
      break
    case 'tools/call': {
      const said = { pid: process.pid, folder: process.cwd(), words: process.argv.slice(2), env: process.env }
      answer(id, { content: [{ type: 'text', text: JSON.stringify({ ...said, args: params.arguments }) }] })
      break
    }
    default:
      process.stdout.write(
        `${JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })}\n`,
      )
  }
})
