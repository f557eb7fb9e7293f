import type { Source } from '@mcp-doorman/mcp-endpoint'
import { openConnection, type KnownEra, type OpenLink } from './connection/open-connection.ts'
import { HttpLink } from './link/http-link.ts'
import { createPools, type HttpPools } from './link/http-pool.ts'
import { openStdioLink } from './link/stdio-link.ts'
import { readUpstreamOptions, type UpstreamOptions } from './options.ts'
import { Connections, type Open } from './relayed/connections.ts'
import { createUpstreamSource } from './relayed/upstream-source.ts'
import { WaitingCalls } from './relayed/waiting-calls.ts'
import { listAllTools, type UpstreamTool } from './list-tools.ts'

/** Another server, over HTTP or stdio. */
export interface Upstream {
  /** What a relay stands for: `createRelay({ …, source })`. */
  readonly source: Source
  /**
   * Every tool that the server has, as it describes them: asked in nobody's name, for an operator who writes rules.
   *
   * @throws {UpstreamFailure} (as a rejection) that says for the operator why they cannot be listed
   */
  readonly listTools: () => Promise<readonly UpstreamTool[]>
  /** What is open now. */
  readonly status: () => { readonly connections: number; readonly waitingCalls: number }
  /** Ends every connection, process and call. Never rejects. */
  readonly close: () => Promise<void>
}

/**
 * Gets ready to speak with another server. Starts and connects nothing before it is needed.
 *
 * @throws {TypeError} listing every option that cannot be used
 */
export function openUpstream(options: UpstreamOptions): Upstream {
  const settings = readUpstreamOptions(options)
  const pools = settings.kind === 'http' ? createPools(settings) : undefined
  const openLink: OpenLink = (events) =>
    settings.kind === 'stdio'
      ? openStdioLink(settings, events)
      : // Pools there are for HTTP, as was just said.
        Promise.resolve(new HttpLink(settings, pools as HttpPools, events))
  const known: KnownEra = { era: undefined }
  const open: Open = (events, closing) => openConnection(openLink, settings, known, events, closing)
  const mostBackoffSeconds = settings.kind === 'stdio' ? 30 : 2 // To connect is cheap, to start a process is not.
  const connections = new Connections(open, settings, mostBackoffSeconds)
  const waiting = new WaitingCalls(settings)
  return {
    source: createUpstreamSource({ connections, waiting, settings }),
    listTools: () => listAllTools(connections, settings.callTimeoutSeconds),
    status: () => ({ connections: connections.count, waitingCalls: waiting.count }),
    close: async () => {
      waiting.close()
      await connections.close()
      await Promise.all([pools?.requests.destroy(), pools?.streams.destroy()])
    },
  }
}
