import { after } from 'node:test'
import {
  createResourceServer,
  readHeaders,
  type AccessRequest,
  type AuditSink,
  type Decision,
  type DenialResponse,
  type ResourceServer,
  type ResourceServerOptions,
  type Rule,
} from '@mcp-doorman/resource-server'
import type { SigningKey } from './compact-jws.ts'
import { startTestIssuer, type TestIssuer } from './test-issuer.ts'

export const resource = 'https://mcp.example/mcp'

/** Where fake clocks start. */
export const startTime = 1_800_000_000

export const scopes = { 'files:list': {}, 'files:read': {}, 'files:write': {}, 'files:purge': {} }

export const rules: readonly Rule[] = [
  { id: 'read', tools: ['read_file'], require: { scopes: ['files:read'] } },
  { id: 'write', tools: ['write_file'], require: { scopes: ['files:read', 'files:write'] } },
  { id: 'purge', tools: ['purge'], require: { scopes: ['files:purge'] } },
  { id: 'staff', tools: ['audit_files'], require: { anyRole: ['staff'] } },
  { id: 'secret', tools: ['secret_files'], require: { anyRole: ['staff'] }, otherwise: 'hide' },
]

/** Keeps records in memory, and fails when told to. */
export interface MemorySink extends AuditSink {
  readonly lines: string[]
  failing: boolean
  /** Told of each line. */
  onLine: (line: string) => void
}

export function createMemorySink(): MemorySink {
  const sink: MemorySink = {
    lines: [],
    failing: false,
    onLine: () => undefined,
    write: (line) => {
      sink.lines.push(line)
      sink.onLine(line)
    },
    available: () => !sink.failing,
    close: () => Promise.resolve(),
  }
  return sink
}

export interface RequestChange {
  /** Sent as `Authorization: Bearer`, or as the scheme says; `undefined` sends none. */
  readonly token?: string | undefined
  readonly scheme?: string
  readonly certificateThumbprint?: string
  /** Further headers, name and value in turn. */
  readonly headers?: readonly string[]
  readonly method?: string
  readonly target?: string
  readonly form?: AccessRequest['form']
  readonly body?: unknown
  readonly readBody?: AccessRequest['readBody']
  readonly address?: string | undefined
}

/** A tool call in the manner of the older revisions. */
export function callOf(name: string, id: unknown = 1): Record<string, unknown> {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } }
}

export function requestOf(change: RequestChange = {}): AccessRequest {
  const { token, headers = [], body = callOf('read_file') } = change
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return {
    form: change.form ?? 'mcp',
    method: change.method ?? 'POST',
    target: change.target ?? '/mcp',
    headers: readHeaders([
      ...(headers.some((name, place) => place % 2 === 0 && name.toLowerCase() === 'content-type')
        ? []
        : ['Content-Type', 'application/json']),
      ...(token === undefined ? [] : ['Authorization', `${change.scheme ?? 'Bearer'} ${token}`]),
      ...headers,
    ]),
    address: change.address,
    certificateThumbprint: change.certificateThumbprint,
    readBody: change.readBody ?? (() => Promise.resolve(bytes)),
  }
}

export interface Guarded {
  readonly issuer: TestIssuer
  readonly server: ResourceServer
  readonly sink: MemorySink
  /** What the server and the issuer take for now. */
  readonly clock: { now: number }
  readonly ask: (change?: RequestChange) => Promise<Decision>
  /** `allow`, or the code of the denial, after checking that the record says the same. */
  readonly outcome: (change?: RequestChange) => Promise<string>
  readonly answer: (decision: Decision) => DenialResponse
  readonly records: () => readonly Record<string, unknown>[]
}

export interface GuardedChange {
  readonly keys?: SigningKey[]
  readonly options?: Partial<ResourceServerOptions>
  /** Builds the options that depend on the issuer. */
  readonly optionsOf?: (issuer: TestIssuer) => Partial<ResourceServerOptions>
}

/** A resource server with an issuer and a clock of its own; both end with the test, or with the file. */
export async function startGuarded(change: GuardedChange = {}): Promise<Guarded> {
  const clock = { now: startTime }
  const nowSeconds = (): number => clock.now
  const issuer = await startTestIssuer({
    audience: resource,
    nowSeconds,
    ...(change.keys !== undefined && { keys: change.keys }),
  })
  after(() => issuer.close())
  const sink = createMemorySink()
  const server = createResourceServer({
    resource,
    issuers: [{ issuer: issuer.issuer }],
    scopes,
    challengeScopes: ['files:list', 'files:read'],
    rules,
    callerLimit: 'off',
    audit: sink,
    nowSeconds,
    ...change.options,
    ...change.optionsOf?.(issuer),
  })
  after(() => server.close())
  const ask = (asked: RequestChange = {}): Promise<Decision> => server.guard(requestOf(asked))
  // Each line is one JSON object, by the sink's contract.
  const records = (): Record<string, unknown>[] =>
    sink.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return {
    issuer,
    server,
    sink,
    clock,
    ask,
    outcome: async (asked) => {
      const before = sink.lines.length
      const decision = await ask(asked)
      const told = records().slice(before)
      const said = decision.granted ? 'allow' : decision.denial.code
      const own = told.filter(({ id }) => id === decision.id)
      const [record] = own
      const recorded = record?.['outcome'] === 'allow' ? 'allow' : record?.['code']
      if (own.length !== 1 || recorded !== said) {
        throw new Error(`the decision is ${said}, and its records say ${JSON.stringify(own)}`)
      }
      return said
    },
    answer: (decision) => {
      if (decision.granted) throw new Error('a granted request has no denial')
      return server.formatDenial(decision)
    },
    records,
  }
}

/** The first outcome among the records from a place on; it is made when a response is over, which the client may see first. */
export async function nextOutcome({ records }: Guarded, from: number): Promise<Record<string, unknown>> {
  for (let turn = 0; turn < 5000; turn += 1) {
    const outcome = records()
      .slice(from)
      .find(({ kind }) => kind === 'outcome')
    if (outcome !== undefined) return outcome
    await new Promise((resolve) => void setImmediate(resolve))
  }
  throw new Error('no outcome was recorded')
}
