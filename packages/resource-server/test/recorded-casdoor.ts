import { readdirSync, readFileSync } from 'node:fs'
import { IssuerKeys } from '#internal/identity/issuer-keys'
import type { IssuerDocuments } from '#internal/identity/issuer-documents'
import { casdoor as profile } from '#internal/identity/profiles/casdoor'
import { createIntrospector } from '#internal/identity/introspection'
import { createTrustedIssuer, type TrustedIntrospection } from '#internal/identity/trusted-issuer'
import { createVerifier } from '#internal/identity/verifier'
import type { Outbound, OutboundAnswer } from '@mcp-doorman/outbound'
import type { CasdoorIssuerOptions } from '@mcp-doorman/resource-server'
import { requestOf } from './guarded.ts'

/** The origin of the recorded instance: signatures cover it, so it cannot be another. Nothing listens there. */
export const casdoor = 'http://127.0.0.1:18123'

export interface RecordedToken {
  readonly jwt: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** A file of `test/fixtures/casdoor/tokens`. */
export interface TokenSample {
  readonly expectedAudience: string
  readonly validAt: number
  readonly expiredAt?: number
  readonly accessToken?: RecordedToken
  readonly refreshToken?: RecordedToken
  readonly logoutToken?: RecordedToken
  readonly tokenBefore?: RecordedToken
  readonly tokenAfter?: RecordedToken
}

/** @returns the recorded file; its form is that of the fixtures' README */
export function tokenSample(name: string): TokenSample {
  return readJson(`tokens/${name}.json`) as TokenSample
}

/** The keys of a recorded key set. */
export function recordedKeys(name: string): readonly unknown[] {
  // The form is that of the fixtures' README.
  const { response } = readJson(`jwks/${name}.json`) as {
    readonly response: { readonly body: { readonly keys: readonly unknown[] } }
  }
  return response.body.keys
}

/** What a recorded endpoint answered, to be served again. */
export function recordedAnswer(name: string): { readonly status: number; readonly body: unknown } {
  // The form is that of the fixtures' README.
  return (readJson(`jwks/${name}.json`) as { response: { status: number; body: unknown } }).response
}

const recordings = new URL('../../../test/fixtures/casdoor/', import.meta.url)

/** The names of the recorded tokens. */
export const tokenSamples: readonly string[] = readdirSync(new URL('tokens', recordings)).map((file) =>
  file.replace('.json', ''),
)

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, recordings), 'utf8'))
}

export interface RecordedVerifierOptions {
  readonly audience: string
  readonly nowSeconds: () => number
  /** What the instance publishes at the time of each fetch. */
  readonly documents: () => IssuerDocuments
  readonly pins?: Omit<CasdoorIssuerOptions, 'casdoor'>
  /** What the instance answers when it is asked about a token. Default: it is not asked. */
  readonly introspection?: RecordedIntrospection['response']
}

/** A file of `test/fixtures/casdoor/introspection`. */
export interface RecordedIntrospection {
  readonly token: string
  readonly response: { readonly status: number; readonly body: unknown }
}

/** @returns the recorded file; its form is that of the fixtures' README */
export function recordedIntrospection(name: string): RecordedIntrospection {
  const { request, response } = readJson(`introspection/${name}.json`) as RecordedQuestion
  return { token: request.body.token, response }
}

interface RecordedQuestion {
  readonly request: { readonly body: { readonly token: string } }
  readonly response: RecordedIntrospection['response']
}

/** A network that has one answer to everything. */
function answering({ status, body }: RecordedIntrospection['response']): Outbound {
  const answer: OutboundAnswer = { ok: true, status, headers: {}, body: Buffer.from(JSON.stringify(body)) }
  return { request: () => Promise.resolve(answer), close: () => undefined }
}

/** The question as the server asks it, over a network of recorded answers. */
function recordedQuestion(
  response: RecordedIntrospection['response'],
  nowSeconds: () => number,
): TrustedIntrospection {
  const findEndpoint = () =>
    Promise.resolve({ ok: true, url: `${casdoor}/api/login/oauth/introspect` } as const)
  const ask = createIntrospector({
    issuer: casdoor,
    outbound: answering(response),
    findEndpoint,
    authenticate: () => Promise.resolve({ headers: {}, form: {} }),
    timeoutSeconds: 5,
    nowSeconds,
  })
  return { ask, findEndpoint, cacheSeconds: 30, acceptMissingAudience: false }
}

export interface RecordedVerifier {
  /** `allow`, or the code of the denial. */
  readonly outcome: (token: string) => Promise<string>
  readonly fetches: () => number
}

/** A verifier that trusts the recorded instance, and takes its documents from a function instead of the network. */
export function createRecordedVerifier(options: RecordedVerifierOptions): RecordedVerifier {
  const { audience, nowSeconds, documents, pins = { allowedClients: 'any' } } = options
  const problems: string[] = []
  const issuer = createTrustedIssuer({ casdoor, ...pins }, { nowSeconds }, problems)
  issuer.close()
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const pinned = issuer.keys
  if (pinned === undefined) throw new Error('a Casdoor has keys')
  let fetches = 0
  const load = async (): Promise<{ readonly ok: true; readonly documents: IssuerDocuments }> => {
    fetches += 1
    const found = documents()
    pinned.application = found.application // The pins look at the issuer's own keys.
    return { ok: true, documents: found }
  }
  const times = { maxAge: 600, staleLimit: 3600, cooldown: 30 }
  const keys = new IssuerKeys(load, profile.refusedKeys, times, nowSeconds)
  const verify = createVerifier({
    issuers: [
      {
        ...issuer,
        keys,
        introspection: options.introspection && recordedQuestion(options.introspection, nowSeconds),
      },
    ],
    proofs: undefined,
    audiences: new Set([audience]),
    clockToleranceSeconds: 30,
    maxTokenBytes: 16_384,
    maxCachedTokens: 1000,
    maxCachedBytes: 1_000_000,
    nowSeconds,
  })
  return {
    outcome: async (token) => {
      const verified = await verify(token, 'bearer', requestOf())
      return verified.ok ? 'allow' : verified.code
    },
    fetches: () => fetches,
  }
}
