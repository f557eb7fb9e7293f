import { createPublicKey, type KeyObject } from 'node:crypto'
import { compactVerify, SignJWT } from 'jose'
import type { ApplicationRow } from '../rows/application-row.ts'
import { readPrivateKey } from './certificate.ts'
import type { Instance } from '../instance.ts'
import type { CertRow } from '../rows/small-rows.ts'

export type Claims = Readonly<Record<string, unknown>>

/** What an application signs with. */
export interface Signer {
  readonly algorithm: string
  readonly keyId: string
  readonly key: KeyObject
}

export type FoundSigner =
  | { readonly ok: true; readonly signer: Signer }
  | { readonly ok: false; readonly message: string }

export const builtInCert = 'cert-built-in'

/** The cert that an application names, else the one that every instance has. */
export function findCert(instance: Instance, application: ApplicationRow): CertRow | undefined {
  const name = application.cert === '' ? builtInCert : application.cert
  return instance.certs.get(`admin/${name}`) ?? instance.certs.all().find((cert) => cert.name === name)
}

export function findSigner(instance: Instance, application: ApplicationRow): FoundSigner {
  const cert = findCert(instance, application)
  if (cert === undefined) return { ok: false, message: `The cert "${application.cert}" does not exist` }
  const algorithm = application.tokenSigningMethod === '' ? 'RS256' : application.tokenSigningMethod
  const key = keyOf(cert)
  if (key === undefined) {
    return { ok: false, message: 'invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key' }
  }
  const wanted = algorithm.startsWith('ES') ? 'ec' : 'rsa'
  if (key.asymmetricKeyType !== wanted) {
    const form = wanted === 'ec' ? 'ParsePKCS1PrivateKey' : 'ParseECPrivateKey'
    return {
      ok: false,
      message: `x509: failed to parse private key (use ${form} instead for this key format)`,
    }
  }
  return { ok: true, signer: { algorithm, keyId: cert.name, key } }
}

/** Rows are replaced when they change, so what was read from one stays right for as long as it lives. */
const keysOfCerts = new WeakMap<CertRow, KeyObject>()

function keyOf(cert: CertRow): KeyObject | undefined {
  const known = keysOfCerts.get(cert)
  if (known !== undefined) return known
  const key = readPrivateKey(cert.privateKey)
  if (key !== undefined) keysOfCerts.set(cert, key)
  return key
}

/** With its key id for what resource servers are to accept, without for refresh tokens. */
export function signClaims(
  signer: Signer,
  claims: Claims,
  keyId: 'with key id' | 'without key id',
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const kid = keyId === 'with key id' ? { kid: signer.keyId } : {}
  return new SignJWT(claims)
    .setProtectedHeader({ alg: signer.algorithm, ...kid, typ: 'JWT', ...header })
    .sign(signer.key)
}

export type VerifiedClaims =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly message: string }

const malformed = 'token is malformed: token contains an invalid number of segments'

/** Verifies with the key of a cert. Looks at no claim but the expiry. */
export async function verifyClaims(
  token: string,
  cert: CertRow | undefined,
  nowSeconds: number,
): Promise<VerifiedClaims> {
  if (token.split('.').length !== 3) return { ok: false, message: malformed }
  const key = cert && keyOf(cert)
  if (key === undefined) return { ok: false, message: 'token is unverifiable: error while executing keyfunc' }
  let claims: unknown
  try {
    const { payload } = await compactVerify(token, createPublicKey(key))
    claims = JSON.parse(new TextDecoder().decode(payload))
  } catch {
    return { ok: false, message: 'token signature is invalid: crypto/rsa: verification error' }
  }
  if (typeof claims !== 'object' || claims === null) return { ok: false, message: malformed }
  const known: Claims = { ...claims }
  const { exp } = known
  if (typeof exp === 'number' && exp <= nowSeconds) {
    return { ok: false, message: 'token has invalid claims: token is expired' }
  }
  return { ok: true, claims: known }
}
