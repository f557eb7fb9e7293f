import { createEndpoint, defineTool, elicit } from '@mcp-doorman/mcp-endpoint'

const notes: string[] = ['Buy apples']
const reading = { scopes: ['notes:read'] }
const writing = { scopes: ['notes:write'], limit: { count: 30, perSeconds: 60 } }
const uriOf = (index: number): string => `notes:///${index + 1}`

/** An MCP server: what it offers, and who may use it. It knows nothing of tokens, sessions or sockets. */
export const endpoint = createEndpoint({
  name: 'notes',
  version: '1.0.0',
  instructions: 'Short notes, numbered from 1.',
  resourcesChange: true,
  tools: [
    defineTool({
      name: 'read_notes',
      description: 'Reads all notes.',
      annotations: { readOnlyHint: true },
      inputSchema: { type: 'object', additionalProperties: false },
      access: reading,
      call: () => notes.join('\n'),
    }),
    defineTool({
      name: 'add_note',
      description: 'Adds a note.',
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string', minLength: 1, maxLength: 1000 } },
        required: ['text'],
        additionalProperties: false,
      },
      outputSchema: {
        type: 'object',
        properties: { uri: { type: 'string' } },
        required: ['uri'],
      },
      access: writing,
      call: ({ text }) => {
        const uri = uriOf(notes.push(text) - 1)
        endpoint.resourceUpdated(uri)
        return { content: [{ type: 'text', text: 'Added.' }], structuredContent: { uri } }
      },
    }),
    defineTool({
      name: 'clear_notes',
      description: 'Removes all notes, after the person has agreed.',
      annotations: { destructiveHint: true },
      inputSchema: { type: 'object', additionalProperties: false },
      access: writing,
      call: (_, { ask }) => {
        // Ends the call until the answer is here; then it runs again from its beginning, with the answer.
        const { sure } = ask({
          sure: elicit(`Remove ${notes.length} notes?`, {
            type: 'object',
            properties: { yes: { type: 'boolean', title: 'Yes, remove them' } },
            required: ['yes'],
          }),
        })
        if (sure.action !== 'accept' || !sure.content.yes) return 'Nothing was removed.'
        return `Removed ${notes.splice(0).length}.`
      },
    }),
  ],
  templates: [
    {
      uriTemplate: 'notes:///{number}',
      name: 'Note',
      mimeType: 'text/plain',
      access: reading,
      read: (_, { number }) => notes[Number(number) - 1],
      list: () => ({
        resources: notes.map((text, index) => ({ uri: uriOf(index), name: text.slice(0, 40) })),
      }),
      complete: { number: () => notes.map((_, index) => String(index + 1)) },
    },
  ],
  prompts: [
    {
      name: 'sort_out',
      description: 'Has a model sort the notes by a topic.',
      arguments: {
        topic: {
          required: true,
          complete: (begun) => ['shopping', 'work', 'travel'].filter((topic) => topic.startsWith(begun)),
        },
      },
      access: reading,
      get: ({ topic }) => `Which of these notes are about ${topic}?\n\n${notes.join('\n')}`,
    },
  ],
})
