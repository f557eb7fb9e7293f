import { createServer } from 'node:http'
import { createResourceServer, type IssuerOptions } from '@mcp-doorman/resource-server'
import { createLineSink } from '@mcp-doorman/resource-server/audit-log'
import { protect } from '@mcp-doorman/resource-server/node'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { ConfinedFolder } from './confined-folder.ts'
import { createFilesServer } from './files-server.ts'

const { env } = process
const port = Number(env['PORT'] ?? 3000)
const resource = env['MCP_SERVER_URL'] ?? `http://127.0.0.1:${port}/mcp`
const folder = new ConfinedFolder(env['FILES_ROOT'] ?? '.')

const resourceServer = createResourceServer({
  resource, // The address that clients use.
  issuers: [trustedIssuer()],
  scopes: { 'files:list': {}, 'files:read': {}, 'files:write': {} },
  challengeScopes: ['files:list', 'files:read'], // Clients ask for files:write when they first need it.
  rules: [
    { tools: ['list_files'], require: { scopes: ['files:list'] } },
    { tools: ['read_file'], require: { scopes: ['files:read'] } },
    { tools: ['write_file'], require: { scopes: ['files:write'] } },
  ],
  callerLimit: { count: Number(env['CALLS_PER_MINUTE'] ?? 60), perSeconds: 60 },
  audit: createLineSink(2),
})

const handler = toNodeHandler(createMcpHandler(() => createFilesServer(folder)))
// Casdoor's tokens may have more than the 16 KiB that Node takes by itself.
const server = createServer({ maxHeaderSize: 32 * 1024 }, protect(resourceServer, handler))
server.listen(port, env['HOST'] ?? '127.0.0.1', () => console.log(`MCP server at ${resource}`))

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => void resourceServer.close())
    server.closeIdleConnections()
  })
}

function trustedIssuer(): IssuerOptions {
  const { CASDOOR_URL: casdoor, CASDOOR_APPLICATION: application, ISSUER: issuer } = env
  if (casdoor === undefined) return { issuer: issuer ?? 'http://127.0.0.1:8081' }
  if (application !== undefined) return { casdoor, application } // Pins its key, its client id and its organization.
  throw new Error(
    'CASDOOR_APPLICATION is missing: tokens of every application of that Casdoor would be taken.',
  )
}
