import { createResourceServer } from '@mcp-doorman/resource-server'
import { createLineSink } from '@mcp-doorman/resource-server/audit-log'
import { protect } from '@mcp-doorman/resource-server/express'
import { fromTransport } from '@mcp-doorman/resource-server/mcp-sdk'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { makeServer } from './notes.ts'

const port = Number(process.env['PORT'] ?? 3000)
const resourceServer = createResourceServer({
  resource: `http://127.0.0.1:${port}/mcp`, // The address that clients use.
  issuers: [{ issuer: process.env['ISSUER'] ?? 'http://127.0.0.1:8081' }],
  scopes: { 'notes:read': {}, 'notes:write': { implies: ['notes:read'] } },
  challengeScopes: ['notes:read'],
  rules: [
    { tools: ['read_notes'], require: { scopes: ['notes:read'] } },
    { tools: ['add_note'], require: { scopes: ['notes:write'] }, limit: { count: 30, perSeconds: 60 } },
  ],
  audit: createLineSink(2),
})

const handler = fromTransport(async () => {
  const transport = new StreamableHTTPServerTransport({}) // Without sessions.
  await makeServer().connect(transport)
  return transport
})
const app = express()
app.use(protect(resourceServer, handler)) // Before any body parser.
app.get('/', (_request, response) => void response.send('Notes'))
app.listen(port, '127.0.0.1')
