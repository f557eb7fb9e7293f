import { startHttp } from '@mcp-doorman/mcp-endpoint'
import { createResourceServer } from '@mcp-doorman/resource-server'
import { createLineSink } from '@mcp-doorman/resource-server/audit-log'
import { endpoint } from './notes.ts'

const port = Number(process.env['PORT'] ?? 3000)
const resourceServer = createResourceServer({
  resource: `http://127.0.0.1:${port}/mcp`, // The address that clients use.
  issuers: [{ issuer: process.env['ISSUER'] ?? 'http://127.0.0.1:8081' }],
  scopes: { 'notes:read': {}, 'notes:write': { implies: ['notes:read'] } },
  challengeScopes: ['notes:read'],
  rules: endpoint.rules, // What stands beside each tool, resource and prompt as its access.
  audit: createLineSink(2),
})

const http = await startHttp({ mounts: [{ endpoint, resourceServer }], port })

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void http.close().then(() => resourceServer.close())
  })
}
