import { Option } from 'commander'
import type { DpopOptions, IntrospectionOptions, IssuerOptions } from '@mcp-doorman/resource-server'
import { messageOf, UsageError } from './failure.ts'
import { readDuration } from './option-table.ts'
import { readSecret, secretReference } from './secret-reference.ts'

/** How tokens are checked beyond their own words. */
export interface TokenCheckOptions {
  readonly dpop: 'off' | 'accept' | 'require'
  readonly dpopNonce?: string
  readonly introspect?: string
  readonly introspectSecret?: string
  readonly introspectKey?: string
  readonly introspectAs?: string
  readonly introspectCache?: number
  readonly opaqueTokens: boolean
}

/** The options of the command that {@link TokenCheckOptions} come from. */
export function tokenCheckOptions(): readonly Option[] {
  return [
    new Option('--dpop <how>', 'proofs that the sender holds the key of the token (RFC 9449)')
      .choices(['off', 'accept', 'require'])
      .default('off'),
    new Option(
      '--dpop-nonce <secret>',
      'make proofs repeat a value of ours: "random", or env:NAME or file:PATH with a secret that all instances share',
    ),
    new Option('--introspect <client-id>', 'ask the issuer about each token as this client (RFC 7662)'),
    new Option('--introspect-secret <secret>', 'its secret, as env:NAME or file:PATH'),
    new Option('--introspect-key <key>', 'or its private key in PEM, as env:NAME or file:PATH'),
    new Option('--introspect-as <name>', 'iss of what that key signs; for Casdoor one of the redirect URIs'),
    new Option('--introspect-cache <time>', 'how long an answer holds, up to 60s (default: 30s)').argParser(
      readDuration,
    ),
    new Option('--opaque-tokens', 'tokens of --issuer are no JWTs: only it can read them').default(false),
  ]
}

/** @throws {UsageError} when an option has no effect, or a secret cannot be read */
export function readDpop({ dpop, dpopNonce }: TokenCheckOptions): DpopOptions | undefined {
  if (dpop === 'off') {
    if (dpopNonce !== undefined) {
      throw new UsageError('--dpop-nonce has no effect without --dpop accept or --dpop require. Add it.')
    }
    return undefined
  }
  const secret =
    dpopNonce === undefined || dpopNonce === 'random' ? undefined : readSecretOf('--dpop-nonce', dpopNonce)
  return {
    required: dpop === 'require',
    ...(dpopNonce !== undefined && { nonce: { ...(secret !== undefined && { secret }) } }),
  }
}

/** @throws {UsageError} when the issuer to ask cannot be told, or a secret cannot be read */
export function withIntrospection(
  issuers: readonly IssuerOptions[],
  options: TokenCheckOptions,
): readonly IssuerOptions[] {
  const introspection = readIntrospection(options)
  if (introspection === undefined) return issuers
  const [issuer] = issuers
  if (issuer === undefined || issuers.length > 1) {
    throw new UsageError('--introspect asks one issuer, and several are named. Name one issuer.')
  }
  if (!options.opaqueTokens) return [{ ...issuer, introspection }]
  if ('casdoor' in issuer) {
    throw new UsageError('--opaque-tokens has no effect with --casdoor, whose tokens are JWTs. Remove it.')
  }
  return [{ ...issuer, introspection, tokens: 'opaque' }]
}

function readIntrospection(options: TokenCheckOptions): IntrospectionOptions | undefined {
  const { introspect, introspectSecret, introspectKey, introspectAs, introspectCache } = options
  if (introspect === undefined) {
    const [stray] = [
      introspectSecret !== undefined && '--introspect-secret',
      introspectKey !== undefined && '--introspect-key',
      introspectAs !== undefined && '--introspect-as',
      introspectCache !== undefined && '--introspect-cache',
      options.opaqueTokens && '--opaque-tokens',
    ].filter((name) => name !== false)
    if (stray === undefined) return undefined
    throw new UsageError(`${stray} has no effect without --introspect CLIENT-ID. Add it, or remove ${stray}.`)
  }
  if ((introspectSecret === undefined) === (introspectKey === undefined)) {
    throw new UsageError('--introspect needs either --introspect-secret or --introspect-key.')
  }
  return {
    clientId: introspect,
    ...(introspectSecret !== undefined && {
      clientSecret: readSecretOf('--introspect-secret', introspectSecret),
    }),
    ...(introspectKey !== undefined && { privateKey: readSecretOf('--introspect-key', introspectKey) }),
    ...(introspectAs !== undefined && { assertionIssuer: introspectAs }),
    ...(introspectCache !== undefined && { cacheSeconds: introspectCache }),
  }
}

/** Secrets are given by reference: every account of the machine can read the words of a command. */
function readSecretOf(option: string, reference: string): string {
  if (!secretReference.test(reference)) {
    throw new UsageError(
      `${option}: write env:NAME or file:PATH, so that the secret is in no list of processes.`,
    )
  }
  try {
    return readSecret(reference)
  } catch (error) {
    throw new UsageError(`${option}: ${messageOf(error)}`)
  }
}
