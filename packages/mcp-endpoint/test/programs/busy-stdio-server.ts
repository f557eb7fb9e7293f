// Serves tools that do everything at once over standard input and output, and misbehave where a program can.
import { setTimeout as wait } from 'node:timers/promises'
import { createEndpoint, defineTool, elicit, sample, serveStdio } from '@mcp-doorman/mcp-endpoint'

const nothing = { type: 'object', additionalProperties: false } as const
const counted = {
  type: 'object',
  properties: { count: { type: 'integer' }, ending: { type: 'string' } },
  required: ['count'],
} as const
let calls = 0

const tools = [
  defineTool({
    name: 'works',
    description: 'Reports, logs, and writes to standard error meanwhile.',
    inputSchema: nothing,
    call: async (_, context) => {
      for (const progress of [1, 2, 3]) {
        context.progress({ progress, total: 3, message: 'two\nlines' })
        context.log('warning', { step: progress })
        console.error('{"jsonrpc":"2.0","method":"notifications/forged"}')
        await wait(1)
      }
      return 'worked'
    },
  }),
  defineTool({
    name: 'throws',
    description: 'Throws.',
    inputSchema: nothing,
    call: () => {
      throw new Error('canary')
    },
  }),
  defineTool({
    name: 'rejects',
    description: 'Throws later.',
    inputSchema: nothing,
    call: async () => {
      await wait(1)
      throw new Error('canary')
    },
  }),
  defineTool({
    name: 'crashes',
    description: 'Throws where nobody can catch it.',
    inputSchema: nothing,
    call: () => {
      setImmediate(() => {
        throw new Error('canary')
      })
      return 'not yet'
    },
  }),
  defineTool({
    name: 'asks_person',
    description: 'Asks the person.',
    inputSchema: nothing,
    call: (_, context) => {
      const form = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } as const
      return JSON.stringify(context.ask({ who: elicit('Who?', form) }))
    },
  }),
  defineTool({
    name: 'asks_model',
    description: 'Asks the model.',
    inputSchema: nothing,
    call: (_, context) => {
      const content = { type: 'text', text: 'Say something.' }
      return JSON.stringify(
        context.ask({ said: sample({ messages: [{ role: 'user', content }], maxTokens: 9 }) }),
      )
    },
  }),
  defineTool({
    name: 'takes_a_while',
    description: 'Answers after a moment, and says on standard error when it begins.',
    inputSchema: nothing,
    call: async () => {
      process.stderr.write('working\n')
      await wait(100)
      return 'finished'
    },
  }),
  defineTool({
    name: 'lasts',
    description: 'Never ends, and says on standard error when it begins and is told to stop.',
    inputSchema: nothing,
    call: (_, { signal }) => {
      process.stderr.write('begun\n')
      signal.addEventListener('abort', () => process.stderr.write('stopped\n'))
      return new Promise<string>(() => undefined)
    },
  }),
  defineTool({
    name: 'changes',
    description: 'Says that so many documents have changed, and then that the tools have.',
    inputSchema: counted,
    call: ({ count, ending = '' }) => {
      for (let index = 0; index < count; index += 1) endpoint.resourceUpdated(`doc:///${index}${ending}`)
      endpoint.replace({ tools })
      // Set after the timer of the announcements, and as long: so it fires after them.
      setTimeout(() => process.stderr.write('announced\n'), 25)
      return 'changed'
    },
  }),
  defineTool({
    name: 'large',
    description: 'Answers with 64 KiB.',
    inputSchema: nothing,
    call: () => {
      calls += 1
      return 'a'.repeat(65_536)
    },
  }),
]

const endpoint = createEndpoint({
  name: 'busy',
  version: '1',
  tools,
  templates: [
    {
      uriTemplate: 'doc:///{id}',
      name: 'A document',
      read: (_, { id }) => `Document ${id}`,
    },
  ],
  listsChange: true,
  resourcesChange: true,
  logs: true,
  onFailure: ({ name }, error) => process.stderr.write(`${name}: ${String(error)}\n`),
})

process.on('SIGUSR2', () => {
  process.stderr.write(`calls ${calls} megabytes ${Math.round(process.memoryUsage.rss() / 1_000_000)}\n`)
})
const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())
await serveStdio({ endpoint, signal: stopping.signal })
