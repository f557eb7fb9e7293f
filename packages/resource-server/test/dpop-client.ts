/** A client that proves possession of its key (RFC 9449). Shares no code with what verifies. */
import { createHash, randomUUID } from 'node:crypto'
import { compactJws, makeKey, type SigningKey } from './compact-jws.ts'
import { resource, startTime, type Guarded, type RequestChange } from './guarded.ts'

export interface ProofChange {
  readonly header?: Readonly<Record<string, unknown>>
  /** `undefined` removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Signs with another key than the one that is named. */
  readonly signer?: SigningKey
}

export interface DpopClient {
  readonly key: SigningKey
  readonly thumbprint: string
  readonly jwk: Record<string, unknown>
  /** A good proof for a POST to the resource with this token, but for what is changed. */
  readonly prove: (token: string, change?: ProofChange) => string
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

export function makeDpopClient(alg = 'ES256', now: () => number = () => startTime): DpopClient {
  const key = makeKey(alg, undefined)
  const jwk: Record<string, unknown> = { ...key.publicKey.export({ format: 'jwk' }) }
  const prove: DpopClient['prove'] = (token, { header = {}, claims = {}, signer = key } = {}) => {
    const usual = {
      jti: randomUUID(),
      htm: 'POST',
      htu: resource,
      iat: now(),
      ath: sha256(token),
    }
    const head = { typ: 'dpop+jwt', alg: key.alg, jwk, ...header }
    return compactJws(head, { ...usual, ...claims }, signer.alg, signer.privateKey)
  }
  return { key, jwk, thumbprint: thumbprintOf(jwk), prove }
}

/** RFC 7638 §3: the required members in the order of their names. */
export function thumbprintOf(jwk: Readonly<Record<string, unknown>>): string {
  const names = jwk['kty'] === 'RSA' ? ['e', 'kty', 'n'] : ['crv', 'kty', 'x', 'y']
  return sha256(
    JSON.stringify(Object.fromEntries(names.filter((name) => name in jwk).map((name) => [name, jwk[name]]))),
  )
}

/** A token of the world's issuer that is bound to the client's key. */
export function boundToken(
  { issuer }: Guarded,
  client: DpopClient,
  claims: Readonly<Record<string, unknown>> = {},
): string {
  return issuer.sign({ claims: { cnf: { jkt: client.thumbprint }, ...claims } })
}

/** A request with a token and its proof. */
export function provenRequest(token: string, proof: string, change: RequestChange = {}): RequestChange {
  return { token, scheme: 'DPoP', ...change, headers: ['DPoP', proof, ...(change.headers ?? [])] }
}
