import {
  Client,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import {
  capabilitiesOf,
  httpOptions,
  identity,
  type Connection,
  type Host,
  type Place,
} from './connection.ts'
import { Inbox, noticeMethods } from './inbox.ts'
import { observeFetch } from './observed-fetch.ts'

/** Connects the client of SDK 2.4 in one of the ways that it finds the revision. */
export async function connectSdk2(
  mode: VersionNegotiationMode,
  place: Place,
  host: Host,
): Promise<Connection> {
  const { elicit, sample, roots } = host
  const client = new Client(identity, {
    capabilities: capabilitiesOf(host),
    versionNegotiation: { mode },
  })
  const inbox = new Inbox()
  for (const method of noticeMethods) {
    client.setNotificationHandler(method, ({ params }) => inbox.add(method, params))
  }
  if (elicit !== undefined) client.setRequestHandler('elicitation/create', ({ params }) => elicit(params))
  if (sample !== undefined) client.setRequestHandler('sampling/createMessage', ({ params }) => sample(params))
  if (roots !== undefined) client.setRequestHandler('roots/list', roots)

  const http = observeFetch()
  const transport =
    'url' in place
      ? new StreamableHTTPClientTransport(new URL(place.url), httpOptions(place.token, http))
      : new StdioClientTransport({ ...place, stderr: 'ignore' })
  await client.connect(transport)
  const isModern = client.getProtocolEra() === 'modern'

  return {
    client,
    inbox,
    http,
    revision: client.getNegotiatedProtocolVersion(),
    sessionId: () => ('sessionId' in transport ? transport.sessionId : undefined),
    callTool: (name, args, options) => client.callTool({ name, arguments: args }, options),
    callToolWithLogs: async (name, level) => {
      if (!isModern) await client.setLoggingLevel(level)
      const wanted = { 'io.modelcontextprotocol/logLevel': level }
      return client.callTool({ name, ...(isModern && { _meta: wanted }) })
    },
    watch: async (uri) => {
      if (isModern) {
        const subscription = await client.listen({
          resourceSubscriptions: [uri],
          toolsListChanged: true,
          promptsListChanged: true,
        })
        return { promised: subscription.honoredFilter, stop: () => subscription.close() }
      }
      await client.subscribeResource({ uri })
      return { promised: undefined, stop: () => client.unsubscribeResource({ uri }) }
    },
    terminateSession: async () => {
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession()
    },
    close: () => client.close(),
  }
}
