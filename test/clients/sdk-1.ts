import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import {
  capabilitiesOf,
  httpOptions,
  identity,
  type Connection,
  type Host,
  type Place,
  type ToolResult,
} from './connection.ts'
import { Inbox } from './inbox.ts'
import { observeFetch } from './observed-fetch.ts'

/** Connects the client of SDK 1.32, which knows the revisions of 2025 only. */
export async function connectSdk1(place: Place, host: Host): Promise<Connection> {
  const { elicit, sample, roots } = host
  const client = new Client(identity, { capabilities: capabilitiesOf(host) })
  const inbox = new Inbox()
  for (const schema of [
    LoggingMessageNotificationSchema,
    PromptListChangedNotificationSchema,
    ResourceListChangedNotificationSchema,
    ResourceUpdatedNotificationSchema,
    ToolListChangedNotificationSchema,
  ]) {
    client.setNotificationHandler(schema, ({ method, params }) => inbox.add(method, params))
  }
  if (elicit !== undefined) client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params))
  if (sample !== undefined)
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => sample(params))
  if (roots !== undefined) client.setRequestHandler(ListRootsRequestSchema, roots)

  const http = observeFetch()
  const transport =
    'url' in place
      ? new StreamableHTTPClientTransport(new URL(place.url), httpOptions(place.token, http))
      : new StdioClientTransport({ ...place, stderr: 'ignore' })
  let revision: string | undefined
  if (transport instanceof StreamableHTTPClientTransport) {
    await client.connect(transport)
    revision = transport.protocolVersion
  } else {
    await client.connect(transport)
  }

  return {
    client,
    inbox,
    http,
    revision,
    sessionId: () => ('sessionId' in transport ? transport.sessionId : undefined),
    callTool: async (name, args, options) =>
      // Without a schema of the caller's, the result has passed that of a tool's result.
      (await client.callTool({ name, arguments: args }, undefined, options)) as ToolResult,
    callToolWithLogs: async (name, level) => {
      await client.setLoggingLevel(level)
      return (await client.callTool({ name })) as ToolResult // As above.
    },
    watch: async (uri) => {
      await client.subscribeResource({ uri })
      return { promised: undefined, stop: () => client.unsubscribeResource({ uri }) }
    },
    terminateSession: async () => {
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession()
    },
    close: () => client.close(),
  }
}
