/** Whom an example is told to trust: the development issuer as clients meet it, or one that signs whatever is asked. */
import {
  casdoorApplication,
  startDevelopmentIssuer,
  type DevelopmentIssuer,
} from '@mcp-doorman/development-issuer'
import type { Lab } from '../../test/end-to-end/doorman-process.ts'
import { application, casdoorDocuments, clientId, keysPath, signCasdoorToken } from './hand-made-casdoor.ts'
import {
  publicJwk,
  signToken,
  standardDocuments,
  startHandMadeIssuer,
  type SigningKey,
} from '../../test/end-to-end/hand-made-issuer.ts'
import type { Json } from '../../test/end-to-end/mcp-wire.ts'

/** What the tokens look like: as RFC 9068 wants them, or as Casdoor makes them. */
export const issuerKinds = ['standard', 'casdoor'] as const
export type IssuerKind = (typeof issuerKinds)[number]

export interface TrustedIssuer {
  readonly kind: IssuerKind
  readonly issuer: string
  /** Tells an example whom to trust. */
  readonly env: Readonly<Record<string, string>>
}

export interface HonestIssuer extends TrustedIssuer {
  readonly development: DevelopmentIssuer
  /** Whom clients have to be, where they cannot register. */
  readonly client?: { readonly client_id: string; readonly issuer: string }
}

export interface SigningIssuer extends TrustedIssuer {
  /** A good token, but for what is changed; `undefined` takes a member out. */
  sign(claims: Json & { readonly scope: string }, options?: SignOptions): string
  readonly key: SigningKey
  /** What it publishes. To be changed. */
  published: readonly SigningKey[] | 'nothing'
  /** How often its keys were asked for. */
  keyRequests(): number
}

export interface SignOptions {
  readonly header?: Json
  readonly key?: SigningKey
}

export const casdoorClientId = clientId

/** An issuer whose key the check holds: what no honest issuer would give out. */
export async function startSigningIssuer(
  lab: Lab,
  kind: IssuerKind,
  resource: string,
): Promise<SigningIssuer> {
  const { documents, keys, sign } = manners[kind]
  let published: SigningIssuer['published'] | undefined
  const { issuer, key, asked } = await startHandMadeIssuer(lab, (issuer, key) =>
    Object.defineProperty({ ...documents(issuer, key) }, keys, {
      get: () => (published === 'nothing' ? undefined : { keys: (published ?? [key]).map(publicJwk) }),
    }),
  )
  return {
    kind,
    issuer,
    env: tellWhomToTrust(kind, issuer),
    key,
    sign: (claims, options = {}) =>
      sign(options.key ?? key, { iss: issuer, aud: resource, ...claims }, options.header),
    get published() {
      return published ?? [key]
    },
    set published(those) {
      published = those
    },
    keyRequests: () => asked.filter((path) => path === keys).length,
  }
}

const manners = {
  standard: { documents: standardDocuments, keys: '/keys', sign: signToken },
  casdoor: { documents: casdoorDocuments, keys: keysPath, sign: signCasdoorToken },
} as const

/** The development issuer, where people log in; with the manners of Casdoor, if that is the kind. */
export async function startHonestIssuer(
  lab: Lab,
  kind: IssuerKind,
  resource: string,
  scopes: readonly string[],
): Promise<HonestIssuer> {
  const development = await startDevelopmentIssuer({
    port: 0,
    like: kind === 'casdoor' ? 'casdoor' : 'doorman',
    resources: [{ resource, scopes }],
  })
  lab.keep(() => development.close())
  const { issuer } = development
  if (kind === 'standard') return { kind, issuer, env: tellWhomToTrust(kind, issuer), development }
  const client = { client_id: 'doorman-dev', issuer }
  const env = { ...tellWhomToTrust(kind, issuer), CASDOOR_APPLICATION: casdoorApplication }
  return { kind, issuer, env: { ...env, CASDOOR_ALLOW_CLIENT: client.client_id }, development, client }
}

/** The environment of an example. */
export function tellWhomToTrust(kind: IssuerKind, issuer: string): Readonly<Record<string, string>> {
  switch (kind) {
    case 'standard':
      return { ISSUER: issuer }
    case 'casdoor':
      return { CASDOOR_URL: issuer, CASDOOR_APPLICATION: application, CASDOOR_ALLOW_CLIENT: clientId }
  }
}
