import { createPrivateKey, randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'

/** How we say who we are at an issuer. Exactly one of `clientSecret` and `privateKey`. */
export interface ClientAuthenticationOptions {
  readonly clientId: string
  /** Sent by HTTP Basic (`client_secret_basic`). */
  readonly clientSecret?: string
  /** Signs an assertion instead (`private_key_jwt`, RFC 7523). PEM, PKCS #8; RSA of at least 2048 bits, EC or Ed25519. */
  readonly privateKey?: string
  /** `kid` of the assertion. Default: none. */
  readonly keyId?: string
  /** `alg` of the assertion. Default: RS256, ES256, ES384, ES512 or EdDSA, by the kind of the key. */
  readonly algorithm?: string
  /** `iss` of the assertion. Default: the client id. Casdoor wants one of the application's redirect URIs. */
  readonly assertionIssuer?: string
  /** `aud` of the assertion. Default: the issuer; for Casdoor its token endpoint. */
  readonly assertionAudience?: string
}

/** What a request to the issuer carries so that it knows us. */
export interface ClientProof {
  readonly headers: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
}

export type AuthenticateClient = () => Promise<ClientProof>

const assertionSeconds = 60
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const algorithms: Readonly<Record<string, readonly string[]>> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
}

/**
 * Builds what authenticates us at an issuer.
 *
 * @param audience - of assertions, if the options name none
 * @param problems - receives every mistake found, without any secret in it
 * @see RFC 6749 §2.3.1, RFC 7523 §2.2
 */
export function createClientAuthentication(
  options: ClientAuthenticationOptions,
  audience: string,
  nowSeconds: () => number,
  place: string,
  problems: string[],
): AuthenticateClient {
  const { clientId, clientSecret, privateKey } = options
  if (clientId === '') problems.push(`${place}.clientId: is empty.`)
  if ((clientSecret === undefined) === (privateKey === undefined)) {
    problems.push(`${place}: needs either "clientSecret" or "privateKey", and not both.`)
  }
  if (clientSecret === '') problems.push(`${place}.clientSecret: is empty.`)
  if (privateKey === undefined) {
    const pair = `${formEncode(clientId)}:${formEncode(clientSecret ?? '')}`
    const authorization = `Basic ${Buffer.from(pair).toString('base64')}`
    return () => Promise.resolve({ headers: { authorization }, form: {} })
  }
  const key = readPrivateKey(privateKey)
  const fitting = key === undefined ? [] : algorithmsOf(key)
  const algorithm = options.algorithm ?? fitting[0] ?? ''
  if (key === undefined) {
    problems.push(
      `${place}.privateKey: is no private key in PEM (-----BEGIN PRIVATE KEY-----). Give the text of the file, not its name.`,
    )
  } else if (!fitting.includes(algorithm)) {
    problems.push(`${place}.privateKey: this kind or size of key cannot sign ${algorithm || 'an assertion'}.`)
  }
  return async () => {
    const now = Math.floor(nowSeconds())
    const assertion = await new SignJWT()
      .setProtectedHeader({ alg: algorithm, ...(options.keyId !== undefined && { kid: options.keyId }) })
      .setIssuer(options.assertionIssuer ?? clientId)
      .setSubject(clientId)
      .setAudience(options.assertionAudience ?? audience)
      .setIssuedAt(now)
      .setExpirationTime(now + assertionSeconds)
      .setJti(randomUUID())
      // Without a key there is a problem, and then nothing of this is ever called.
      .sign(key as KeyObject)
    return {
      headers: {},
      form: { client_id: clientId, client_assertion_type: assertionType, client_assertion: assertion },
    }
  }
}

/** Form encoding before Base64, as RFC 6749 §2.3.1 asks; it leaves letters, digits, `*`, `-`, `.` and `_` as they are. */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function readPrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {}
  if (asymmetricKeyType === 'rsa' && modulusLength < 2048) return []
  return algorithms[namedCurve ?? asymmetricKeyType ?? ''] ?? []
}
