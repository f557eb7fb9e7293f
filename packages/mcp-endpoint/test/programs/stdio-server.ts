// Serves a few tools over standard input and output, as a program of a user would.
import { createEndpoint, serveStdio } from '@mcp-doorman/mcp-endpoint'

const nothing = { type: 'object' }
const endpoint = createEndpoint({
  name: 'stdio',
  version: '1',
  callTimeoutSeconds: process.argv[2] === undefined ? 60 : Number(process.argv[2]),
  onFailure: ({ name }, error) => process.stderr.write(`${name}: ${String(error)}\n`),
  tools: [
    {
      name: 'echo',
      description: 'Says what it is told.',
      inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
      call: ({ text }: { text: string }) => ({ content: [{ type: 'text', text }] }),
    },
    {
      name: 'throws',
      description: 'Throws.',
      inputSchema: nothing,
      call: () => {
        throw new Error('canary')
      },
    },
    {
      name: 'lasts',
      description: 'Never ends, and says on standard error that it has begun and when it was told to stop.',
      inputSchema: nothing,
      call: (_args, { signal, caller }) => {
        process.stderr.write(`begun for ${String(caller?.subject)}\n`)
        signal.addEventListener('abort', () => process.stderr.write('stopped\n'))
        return new Promise(() => undefined)
      },
    },
  ],
})
await serveStdio({ endpoint })
