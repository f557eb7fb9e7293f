import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { openUpstream, UpstreamFailure, type UpstreamOptions } from '@mcp-doorman/gateway'
import type { Rate } from '@mcp-doorman/resource-server'
import { present } from '../config/present.ts'
import { readConfiguration } from '../config/read-configuration.ts'
import { UsageError } from '../failure.ts'
import { readIssuers, type IssuerChoice } from '../issuer-choice.ts'
import { settlePublicUrl } from '../public-url.ts'
import { readDpop, withIntrospection, type TokenCheckOptions } from '../token-checks.ts'
import { formatDraft } from './draft.ts'
import { explainUpstreamMistake, type Protected } from './protected-upstream.ts'

/** What a draft takes over from the command line. */
export interface DraftChoice extends IssuerChoice, TokenCheckOptions {
  readonly draft: string
  readonly host: string
  readonly port: number
  readonly publicUrl?: string
  readonly state?: string
  readonly audit?: string
  readonly limit: Rate | 'off'
}

/**
 * Starts the server once, and writes a configuration with a scope proposed for each of its tools.
 *
 * @param alternative - to naming an issuer, for who only wants to try it
 * @throws {UsageError} always: nothing is served yet, and this says what to do
 * @throws {Error} when the server cannot be asked
 */
export async function writeDraft(
  server: Protected,
  options: DraftChoice,
  alternative: string,
): Promise<never> {
  const { draft, host, port } = options
  const remedy = 'Name what each tool needs with --scope TOOL=SCOPE'
  if (existsSync(draft)) {
    throw new UsageError(
      `${remedy}, or run "doorman gateway --config ${draft}". (${draft} is there already, so no draft is written over it.)`,
    )
  }
  const tools = await listTools(server.options)
  if (tools.length === 0) {
    throw new Error('The server has no tools, so there is nothing to protect by a draft.')
  }
  const { resource } = settlePublicUrl(options.publicUrl, host, port === 0 ? 8080 : port)
  const { origin, pathname } = new URL(resource)
  const named = options.issuer.length > 0 || options.casdoor !== undefined
  const text = formatDraft({
    name: server.name,
    file: {
      ...(options.publicUrl !== undefined && { publicUrl: origin }),
      listen: { host, port: port === 0 ? 8080 : port },
      ...present({ state: options.state, audit: options.audit }),
      limit: writeRate(options.limit),
      ...writeDpop(options),
      issuers: named ? writeIssuers(options, alternative) : [{ issuer: 'http://127.0.0.1:8081' }],
    },
    server: { path: pathname, ...server.written },
    tools,
    issuersAreNamed: named,
  })
  writeFileSync(draft, text, { flag: 'wx' })
  const reading = readConfiguration(text, resolve(draft), draft)
  const further = reading.ok
    ? ''
    : `\nIt needs your hand before it can be run:\n${reading.problems.trimEnd()}`
  throw new UsageError(
    `No tool has a scope, so nothing is served yet. Wrote ${draft}, with a scope proposed for each of the ${tools.length} tools: read it, then run "doorman gateway --config ${draft}". Or leave the file, and name what each tool needs with --scope TOOL=SCOPE.${further}`,
  )
}

const periods: ReadonlyMap<number, string> = new Map([
  [1, 's'],
  [60, 'min'],
  [3600, 'h'],
  [86_400, 'd'],
])

/** A rate came from a text with one of these periods. */
function writeRate(rate: Rate | 'off'): string {
  return rate === 'off' ? rate : `${rate.count}/${periods.get(rate.perSeconds) ?? 's'}`
}

function writeDpop(options: DraftChoice): { readonly dpop?: object } {
  if (readDpop(options) === undefined) return {}
  const nonce = options.dpopNonce
  return { dpop: { required: options.dpop === 'require', ...(nonce !== undefined && { nonce }) } }
}

/** The issuers, with the names of secrets in the place of the secrets. */
function writeIssuers(options: DraftChoice, alternative: string): readonly object[] {
  const issuers = readIssuers(options, alternative)
  // Whether they go together, and the secrets are there.
  withIntrospection(issuers, options)
  const { introspect, introspectSecret, introspectKey, introspectAs, introspectCache, opaqueTokens } = options
  if (introspect === undefined) return issuers
  const introspection = present({
    clientId: introspect,
    clientSecret: introspectSecret,
    privateKey: introspectKey,
    assertionIssuer: introspectAs,
    cache: introspectCache === undefined ? undefined : `${introspectCache}s`,
  })
  return issuers.map((issuer) => ({ ...issuer, ...(opaqueTokens && { tokens: 'opaque' }), introspection }))
}

async function listTools(options: UpstreamOptions): ReturnType<ReturnType<typeof openUpstream>['listTools']> {
  let upstream: ReturnType<typeof openUpstream>
  try {
    upstream = openUpstream(options)
  } catch (error) {
    throw explainUpstreamMistake(error)
  }
  try {
    return await upstream.listTools()
  } catch (error) {
    if (!(error instanceof UpstreamFailure)) throw error
    throw new Error(`The server cannot be asked for its tools: ${error.message}`, { cause: error })
  } finally {
    await upstream.close()
  }
}
