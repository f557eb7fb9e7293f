import { createResourceServer } from '@mcp-doorman/resource-server'
import { createLineSink } from '@mcp-doorman/resource-server/audit-log'
import { protect } from '@mcp-doorman/resource-server/hono'
import { fromMcpHandler } from '@mcp-doorman/resource-server/mcp-sdk'
import { serve } from '@hono/node-server'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { Hono } from 'hono'
import { makeServer } from '../sdk-2/notes.ts'

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

const app = new Hono()
app.use(protect(resourceServer, fromMcpHandler(createMcpHandler(makeServer))))
app.get('/', (context) => context.text('Notes'))
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
