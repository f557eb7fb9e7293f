/** Servers of the official SDK, as its users write them, behind our adapters. */
import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  McpServer as McpServer1,
  ResourceTemplate as Template1,
} from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  createMcpHandler,
  McpServer as McpServer2,
  requireScopes,
  ResourceTemplate as Template2,
} from '@modelcontextprotocol/server'
import type { ResourceServer } from '@mcp-doorman/resource-server'
import { fromTransport, identityOf } from '@mcp-doorman/resource-server/mcp-sdk'
import { protect, type NodeHandler } from '@mcp-doorman/resource-server/node'
import { listen, type Served } from './adapter-servers.ts'
import { names } from './scope-challenges.ts'

/** Which tools, resources and prompts have run. */
export interface Ran {
  readonly ran: string[]
}

function makeServer2(ran: string[]): McpServer2 {
  const server = new McpServer2({ name: 'fixture', version: '1.0.0' })
  const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
  server.registerTool(names.tool, { description: 'Says something.' }, () => {
    ran.push(names.tool)
    return text('This is a simple text response for testing.')
  })
  server.registerTool('secret_tool', { description: 'Is hidden.' }, () => text('secret'))
  server.registerTool(
    'sdk_checked',
    { description: 'Has the scope check of the SDK besides.', scopeChallenge: requireScopes('notes:write') },
    ({ http }) => text(`for ${identityOf(http?.authInfo).subject}`),
  )
  server.registerResource('static', names.static, {}, (uri) => {
    ran.push(names.static)
    return { contents: [{ uri: uri.href, text: 'static' }] }
  })
  server.registerResource('secret', 'test://secret', {}, (uri) => ({
    contents: [{ uri: uri.href, text: 'secret' }],
  }))
  server.registerResource(
    'template',
    new Template2('test://template/{id}/data', { list: undefined }),
    {},
    (uri) => {
      ran.push(names.template)
      return { contents: [{ uri: uri.href, text: 'template' }] }
    },
  )
  const said = { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Hello' } }] }
  server.registerPrompt(names.prompt, {}, () => {
    ran.push(names.prompt)
    return said
  })
  server.registerPrompt('secret_prompt', {}, () => said)
  return server
}

function makeServer1(ran: string[]): McpServer1 {
  const server = new McpServer1({ name: 'fixture', version: '1.0.0' })
  const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
  server.registerTool(names.tool, {}, () => {
    ran.push(names.tool)
    return text('This is a simple text response for testing.')
  })
  server.registerTool('secret_tool', {}, () => text('secret'))
  server.registerTool('sdk_checked', {}, ({ authInfo }) => text(`for ${identityOf(authInfo).subject}`))
  server.registerResource('static', names.static, {}, (uri) => {
    ran.push(names.static)
    return { contents: [{ uri: uri.href, text: 'static' }] }
  })
  server.registerResource('secret', 'test://secret', {}, (uri) => ({
    contents: [{ uri: uri.href, text: 'secret' }],
  }))
  server.registerResource(
    'template',
    new Template1('test://template/{id}/data', { list: undefined }),
    {},
    (uri) => {
      ran.push(names.template)
      return { contents: [{ uri: uri.href, text: 'template' }] }
    },
  )
  const said = { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Hello' } }] }
  server.registerPrompt(names.prompt, {}, () => {
    ran.push(names.prompt)
    return said
  })
  server.registerPrompt('secret_prompt', {}, () => said)
  return server
}

/** The SDKs, each in the ways in which it answers: as JSON, and as events. */
export const sdks: readonly {
  readonly name: string
  readonly eras: readonly ('modern' | 'legacy')[]
  readonly handler: (ran: string[]) => NodeHandler
}[] = [
  {
    name: 'SDK 2.x',
    eras: ['modern', 'legacy'],
    handler: (ran) => toNodeHandler(createMcpHandler(() => makeServer2(ran))),
  },
  {
    name: 'SDK 2.x, events',
    eras: ['modern'],
    handler: (ran) => toNodeHandler(createMcpHandler(() => makeServer2(ran), { responseMode: 'sse' })),
  },
  ...[true, false].map((enableJsonResponse) => ({
    name: `SDK 1.x, ${enableJsonResponse ? 'JSON' : 'events'}`,
    eras: ['legacy'] as const,
    handler: (ran: string[]): NodeHandler =>
      fromTransport(async () => {
        const transport = new StreamableHTTPServerTransport({ enableJsonResponse })
        await makeServer1(ran).connect(transport)
        return transport
      }),
  })),
]

export function serveBehind(resourceServer: ResourceServer, handler: NodeHandler): Promise<Served> {
  const listener = protect(resourceServer, handler)
  return listen((request, response) => void listener(request, response))
}
