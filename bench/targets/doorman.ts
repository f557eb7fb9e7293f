/** Ours, with everything on: tokens, a scope rule, the caller's limit, the rule's limit, a hash-chained audit file. */
import { openFilesRoot } from '@mcp-doorman/files'
import { createEndpoint, startHttp, type Tool } from '@mcp-doorman/mcp-endpoint'
import { createResourceServer } from '@mcp-doorman/resource-server'
import { openAuditFile } from '@mcp-doorman/resource-server/audit-log'
import { serveTarget } from './serve.ts'

const echo: Tool = {
  name: 'echo',
  description: 'Says what it is told.',
  inputSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['text'],
    properties: { text: { type: 'string' } },
  },
  call: ({ text }: { readonly text: string }) => ({ content: [{ type: 'text', text }] }),
}

// Never reached, but counted for each request.
const highRate = { count: 10_000_000, perSeconds: 60 }

serveTarget(async ({ tool, resource, scope, issuer, directory, auditFile }) => {
  const files = openFilesRoot({ directory, readOnly: true, allowWeakOpener: true })
  const endpoint = createEndpoint({
    name: 'bench',
    version: '1.0.0',
    tools: tool === 'echo' ? [echo] : files.tools,
  })
  const resourceServer = createResourceServer({
    resource,
    issuers: [{ issuer }],
    scopes: { [scope]: {}, 'files:list': {} },
    rules: [{ id: tool, tools: [tool], require: { scopes: [scope] }, limit: highRate }],
    callerLimit: highRate,
    audit: openAuditFile({
      path: auditFile,
      onFailure: (reason) => {
        process.stderr.write(`Records cannot be written: ${reason}\n`)
      },
    }),
  })
  const http = await startHttp({ mounts: [{ endpoint, resourceServer }], drainSeconds: 1 })
  return {
    port: http.port,
    close: async () => {
      await http.close()
      await resourceServer.close()
      await files.close()
    },
  }
})
