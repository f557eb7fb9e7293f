import { EventEmitter, once } from 'node:events'
import type { TestContext } from 'node:test'
import {
  createEndpoint,
  startHttp,
  type Endpoint,
  type EndpointOptions,
  type HttpHandle,
  type Mount,
  type HttpOptions,
  type Tool,
} from '@mcp-doorman/mcp-endpoint'
import { createResourceServer, type ResourceServerOptions, type Rule } from '@mcp-doorman/resource-server'
import { startTestIssuer, type TestIssuer } from './test-issuer.ts'

/** The address that clients are given. Nobody listens there: tests connect to the port, as a proxy would. */
export const resource = 'https://mcp.example.com/mcp'
export const metadataUrl = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

/** What a test changes about the server. */
export interface ServerChange {
  readonly tools?: readonly Tool[]
  readonly endpoint?: Partial<EndpointOptions>
  readonly http?: Partial<HttpOptions>
  readonly mount?: Partial<Mount>
  readonly resourceServer?: Partial<ResourceServerOptions>
}

/** A server under test with its issuer. */
export interface TestServer {
  readonly port: number
  readonly handle: HttpHandle
  readonly endpoint: Endpoint
  readonly issuer: TestIssuer
  /** Closes the server, its resource server and the issuer. */
  readonly close: () => Promise<void>
  /** An access token for the resource; the scope is enough for `echo` only. */
  readonly token: (claims?: Readonly<Record<string, unknown>>) => string
  /** The audit records so far. */
  readonly records: () => readonly Readonly<Record<string, unknown>>[]
  /** The audit records as soon as there are so many. */
  readonly recorded: (count: number) => Promise<readonly Readonly<Record<string, unknown>>[]>
  /** What tools threw. */
  readonly failures: { readonly tool: string; readonly error: unknown }[]
}

export const echo: Tool = {
  name: 'echo',
  description: 'Says what it is told.',
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string' } },
    required: ['text'],
    additionalProperties: false,
  },
  call: ({ text }: { text: string }) => ({ content: [{ type: 'text', text }] }),
}

/** A tool that takes anything, for what a test wants it to do. */
export function toolOf(name: string, call: Tool['call']): Tool {
  return { name, description: `Does ${name}.`, inputSchema: { type: 'object' }, call }
}

const done = toolOf('any', () => ({ content: [{ type: 'text', text: 'done' }] })).call
// Two that need more than the usual scope, one for staff, one hidden from all but them, one that no rule names.
const guarded = ['write_note', 'move_note', 'staff_only', 'secret_for_staff', 'nobody_knows']

/** Starts a server on a free port of 127.0.0.1; it ends with the test. */
export async function startTestServer(t: TestContext, change: ServerChange = {}): Promise<TestServer> {
  const issuer = await startTestIssuer()
  t.after(() => issuer.close()) // Also when what comes next cannot be built.
  const lines: string[] = []
  const written = new EventEmitter()
  const failures: TestServer['failures'] = []
  const own = change.tools ?? []
  const rules: Rule[] = [
    { id: 'echo', tools: ['echo', 'absent'], require: { scopes: ['notes:read'] } },
    { id: 'write', tools: ['write_note'], require: { scopes: ['notes:read', 'notes:write'] } },
    { id: 'move', tools: ['move_note'], require: { scopes: ['notes:read', 'notes:move'] } },
    { id: 'staff', tools: ['staff_only'], require: { anyRole: ['staff'] } },
    { id: 'secret', tools: ['secret_for_staff'], require: { anyRole: ['staff'] }, otherwise: 'hide' },
  ]
  if (own.length > 0) rules.push({ id: 'own', tools: own.map(({ name }) => name) })

  const resourceServer = createResourceServer({
    resource,
    issuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri }],
    scopes: { 'notes:read': {}, 'notes:write': {}, 'notes:move': {} },
    challengeScopes: ['notes:read'],
    rules,
    callerLimit: 'off',
    audit: {
      write: (line) => {
        lines.push(line)
        written.emit('line')
      },
      available: () => true,
      close: () => Promise.resolve(),
    },
    resourceName: 'Notes',
    ...change.resourceServer,
  })
  const endpoint = createEndpoint({
    name: 'notes',
    version: '1.2.3',
    instructions: 'Be brief.',
    tools: [echo, ...guarded.map((name) => toolOf(name, done)), ...own],
    onFailure: ({ name }, error) => void failures.push({ tool: name, error }),
    ...change.endpoint,
  })
  let handle: HttpHandle | undefined
  const close = async (): Promise<void> => {
    await handle?.close()
    await resourceServer.close()
    await issuer.close()
  }
  t.after(close)
  handle = await startHttp({
    mounts: [{ endpoint, resourceServer, ...change.mount }],
    drainSeconds: 0.2,
    ...change.http,
  })
  // Each line is one JSON object, by the sink's contract.
  const records = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return {
    port: handle.port,
    handle,
    endpoint,
    issuer,
    token: (claims = {}) => issuer.sign({ aud: resource, scope: 'notes:read', ...claims }),
    close,
    records,
    recorded: async (count) => {
      while (lines.length < count) await once(written, 'line')
      return records()
    },
    failures,
  }
}
