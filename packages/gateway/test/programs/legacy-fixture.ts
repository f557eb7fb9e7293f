/** The fixture over standard input and output, as a server that knows the revisions of 2025 only. */
import { PassThrough } from 'node:stream'
import { createInterface } from 'node:readline'
import { serveStdio } from '@mcp-doorman/mcp-endpoint'
import { createFixtureEndpoint } from '../../../../test/conformance/fixture/fixture-endpoint.ts'

const input = new PassThrough()
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const { id } = JSON.parse(line) as { readonly id?: unknown } // The gateway writes messages.
  if (!line.includes('io.modelcontextprotocol/protocolVersion')) input.write(`${line}\n`)
  else {
    const error = { code: -32601, message: 'Method not found' }
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, error })}\n`)
  }
})
lines.on('close', () => input.end())

await serveStdio({ endpoint: createFixtureEndpoint(), input })
