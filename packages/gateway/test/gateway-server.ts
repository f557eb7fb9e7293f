import { after } from 'node:test'
import { createRelay, startHttp, type Mount, type ServerEnd } from '@mcp-doorman/mcp-endpoint'
import { openUpstream, type Upstream, type UpstreamEvent, type UpstreamOptions } from '@mcp-doorman/gateway'
import { createResourceServer, type Rule } from '@mcp-doorman/resource-server'
import { legacy, modern, type Json } from '../../mcp-endpoint/test/messages.ts'
import { ask, type RawAnswer } from '../../mcp-endpoint/test/raw-http.ts'
import { startTestIssuer } from '../../mcp-endpoint/test/test-issuer.ts'

const issuer = await startTestIssuer()
after(() => issuer.close())
const resource = 'https://gateway.example/mcp'

/** A gateway over HTTP in front of one upstream, with tokens for whoever a test wants. */
export interface Gateway {
  readonly port: number
  readonly upstream: Upstream
  readonly relay: ServerEnd
  readonly events: readonly UpstreamEvent[]
  readonly token: (sub?: string) => string
  /** Calls a tool as a client of 2026, or of 2025 without a session. */
  readonly call: (
    name: string,
    args?: Json,
    as?: { readonly sub?: string; readonly era?: string },
  ) => Promise<RawAnswer>
  readonly close: () => Promise<void>
}

interface Scope {
  readonly after: (close: () => Promise<void>) => void
}

export async function startGateway(
  scope: Scope,
  options: UpstreamOptions,
  { rules, ...mount }: Partial<Mount> & { readonly rules?: readonly Rule[] } = {},
): Promise<Gateway> {
  const events: UpstreamEvent[] = []
  const upstream = openUpstream({ onEvent: (event) => events.push(event), ...options })
  const relay = createRelay({ name: 'gateway', version: '1', source: upstream.source })
  const resourceServer = createResourceServer({
    resource,
    issuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri }],
    scopes: {},
    rules: rules ?? [{ tools: ['*'], resources: ['*'], prompts: ['*'] }],
    callerLimit: 'off',
    audit: { write: () => undefined, available: () => true, close: () => Promise.resolve() },
  })
  const http = await startHttp({ mounts: [{ endpoint: relay, resourceServer, ...mount }], drainSeconds: 0.2 })
  const token = (sub = 'alice'): string => issuer.sign({ aud: resource, sub })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      await http.close()
      await upstream.close()
      await resourceServer.close()
    })())
  scope.after(close)
  return {
    port: http.port,
    upstream,
    relay,
    events,
    token,
    call: (name, args = {}, { sub, era = 'modern' } = {}) => {
      const params = { name, arguments: args }
      return ask(http.port, (era === 'modern' ? modern : legacy)(token(sub), 'tools/call', params))
    },
    close,
  }
}

/** The JSON that a tool of the test servers answered with, as its text. */
export function saidIn({ status, body }: RawAnswer): unknown {
  const { result } = JSON.parse(body) as {
    readonly result?: { readonly content: readonly { readonly text: string }[] }
  }
  const [block] = result?.content ?? []
  if (block === undefined) throw new Error(`${status} ${body}`)
  return JSON.parse(block.text)
}
