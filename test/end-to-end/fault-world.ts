/** An issuer that can misbehave, and a protected server that trusts it, in one process. */
import type { FaultName } from '@mcp-doorman/development-issuer'
import {
  type DevelopmentIssuer,
  type DevelopmentIssuerOptions,
  startDevelopmentIssuer,
} from '@mcp-doorman/development-issuer'
import { createResourceServer, readHeaders, type IssuerOptions } from '@mcp-doorman/resource-server'

export const resource = 'http://127.0.0.1:8080/mcp'
export const files = { resource, scopes: ['files:list', 'files:read', 'files:write'] }
/** The client of the protected server, which may ask about every token. */
export const inspector = {
  clientId: 'inspector',
  secret: 'a secret of the inspector',
  redirectUris: ['https://inspector.example/callback'],
  mayIntrospect: true,
}

/** One fault with some parameters: what is seen of it, and what a protected server makes of it. */
export interface FaultRow {
  readonly fault: FaultName
  readonly parameters?: Readonly<Record<string, unknown>>
  /** Looks at the wire while the fault is on. */
  readonly symptom: (issuer: DevelopmentIssuer) => Promise<void>
  /**
   * What a protected server that knows nothing of the issuer yet answers to a token that is issued meanwhile: 200 where
   * the fault is none of its business, 401 for a token that proves nothing, 403 where only scopes are missing, 503 where
   * the issuer cannot be reached or makes no sense.
   */
  readonly server: 200 | 401 | 403 | 503
  /** The protected server asks the issuer about each token, too. */
  readonly introspecting?: true
}

/** Nobody at the pages, and nobody told of errors that were asked for. */
export function startFaultyIssuer(
  options: Partial<DevelopmentIssuerOptions> = {},
): Promise<DevelopmentIssuer> {
  return startDevelopmentIssuer({
    port: 0,
    resources: [files],
    clients: [inspector],
    autoLogin: true,
    autoConsent: true,
    ...options,
  })
}

export interface Gate {
  /** What `ping` with this token is answered with. */
  statusOf(token: string): Promise<number>
  close(): Promise<void>
}

/** A protected server of one's own: `files:read` is what every message needs. */
export function openGate(issuer: IssuerOptions): Gate {
  const server = createResourceServer({
    resource,
    issuers: [issuer],
    scopes: { 'files:read': {} },
    rules: [{ tools: ['*'], require: { scopes: ['files:read'] } }],
    callerLimit: 'off',
    audit: { write: () => undefined, available: () => true, close: () => Promise.resolve() },
    outboundTimeoutSeconds: 0.5,
  })
  const body = Buffer.from(
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}}',
  )
  return {
    async statusOf(token) {
      const decision = await server.guard({
        form: 'mcp',
        method: 'POST',
        target: '/mcp',
        headers: readHeaders(['Authorization', `Bearer ${token}`, 'Content-Type', 'application/json']),
        address: undefined,
        readBody: () => Promise.resolve(body),
      })
      return decision.granted ? 200 : server.formatDenial(decision).status
    },
    close: () => server.close(),
  }
}
