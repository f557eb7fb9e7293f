import { createHmac, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'

/** A key pair, with what its published half says of itself. */
export interface SigningKey {
  readonly kid: string | undefined
  readonly alg: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

export function makeKey(alg = 'ES256', kid: string | undefined = randomUUID()): SigningKey {
  if (/^[RP]S/.test(alg)) return { kid, alg, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) }
  const namedCurve = curves[alg]
  if (namedCurve === undefined) return { kid, alg, ...generateKeyPairSync('ed25519') }
  return { kid, alg, ...generateKeyPairSync('ec', { namedCurve }) }
}

export function publicJwk({ kid, alg, publicKey }: SigningKey): Record<string, unknown> {
  return { ...publicKey.export({ format: 'jwk' }), alg, use: 'sig', ...(kid !== undefined && { kid }) }
}

/** Signs as `alg` says, also where the pair is wrong on purpose. Shares no code with what verifies. */
export function signature(input: string, alg: string, key: KeyObject): Buffer {
  const data = Buffer.from(input)
  const bits = `sha${alg.slice(-3)}`
  switch (alg.slice(0, 2)) {
    case 'RS':
      return sign(bits, data, key)
    case 'PS':
      return sign(bits, data, { key, padding: 6, saltLength: Number(alg.slice(-3)) / 8 })
    case 'ES':
      return sign(bits, data, { key, dsaEncoding: 'ieee-p1363' })
    default:
      return sign(null, data, key)
  }
}

export function base64url(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** A compact JWS of any header and payload; text is taken as it is. */
export function compactJws(header: unknown, payload: unknown, alg: string, key: KeyObject): string {
  const input = `${base64url(header)}.${base64url(payload)}`
  return `${input}.${signature(input, alg, key).toString('base64url')}`
}

export function hmacJws(header: unknown, payload: unknown, secret: string | Uint8Array): string {
  const input = `${base64url(header)}.${base64url(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}
