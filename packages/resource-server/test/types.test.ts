/** What the types allow, and its neighbours that they do not. The compiler checks this file; a run only loads it. */
import { test } from 'node:test'
import type {
  Identity,
  IdentityFacts,
  LimitStore,
  ResourceServer,
  ResourceServerOptions,
  Rule,
} from '@mcp-doorman/resource-server'
import { protect as protectExpress } from '@mcp-doorman/resource-server/express'
import {
  fromMcpHandler,
  fromTransport,
  identityOf,
  type AuthInfo,
} from '@mcp-doorman/resource-server/mcp-sdk'
import { protect as protectNode, type NodeHandler } from '@mcp-doorman/resource-server/node'
import { protect as protectWeb } from '@mcp-doorman/resource-server/web'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import express from 'express'

declare const resourceServer: ResourceServer
declare const facts: IdentityFacts
declare const identity: Identity

/** Never called. */
export function compiled(): void {
  const proven: Identity = identityOf(undefined)
  // @ts-expect-error -- facts are no proof: only a verifier makes an Identity
  const made: Identity = facts
  resourceServer.explain(facts, { era: 'legacy', batch: false, messages: [] })
  // @ts-expect-error -- a list shows what a proven caller may know of
  resourceServer.shows(facts, { kind: 'tool', name: made.subject + proven.subject })
  resourceServer.shows(identity, { kind: 'tool', name: 'a' })
  // @ts-expect-error -- there is no such kind
  resourceServer.shows(identity, { kind: 'tools', name: 'a' })

  const rule: Rule = {
    tools: ['a'],
    require: { anyRole: ['b'] },
    when: ({ arguments: args }) => args['a'] === 1,
  }
  // @ts-expect-error -- a condition says yes or no, at once
  const later: Rule = { tools: ['a'], when: async () => true }
  // @ts-expect-error -- nobody is let in by a misspelt requirement
  const misspelt: Rule = { tools: ['a'], require: { anyRoles: ['b'] } }
  void [rule, later, misspelt]
  // @ts-expect-error -- the sink of records is not optional
  const options: ResourceServerOptions = { resource: '', issuers: [], scopes: {}, rules: [] }
  const state = { allowed: true, remaining: 1, resetSeconds: 0, retryAfterSeconds: 0 }
  // @ts-expect-error -- a store answers later, as another process does
  const store: LimitStore = { take: () => state }
  void [options, store]

  const handler = createMcpHandler(() => new McpServer({ name: 'a', version: '1' }))
  const onNode: NodeHandler = toNodeHandler(handler)
  protectNode(resourceServer, onNode)
  protectWeb(resourceServer, fromMcpHandler(handler))
  protectWeb(resourceServer, handler.fetch)
  const overTransport = fromTransport(() => new StreamableHTTPServerTransport())
  protectNode(resourceServer, overTransport)
  const app = express()
  app.use(protectExpress(resourceServer, onNode))
  app.use(protectExpress(resourceServer, overTransport))
  app.use(
    protectExpress(resourceServer, (request, response) => {
      const told: AuthInfo = request.auth
      response.json(told.clientId)
    }),
  )
  // @ts-expect-error -- the options of one adapter are not another's
  protectNode(resourceServer, onNode, { allowedOrigin: [] })
  // @ts-expect-error -- a handler takes requests, and is none
  protectNode(resourceServer, handler)
}

test('the public types were compiled with their counter-examples', () => undefined)
