import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'

export type JudgedProof =
  | { readonly ok: true; readonly thumbprint: string }
  | { readonly ok: false; readonly message: string }

const algorithms = ['RS256', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']
const longestAgeSeconds = 300

/** Judges a proof that was sent to the token endpoint (RFC 9449 section 4.3). Proofs may be used again, as with Casdoor. */
export async function judgeProof(
  proof: string,
  method: string,
  url: string,
  nowSeconds: number,
): Promise<JudgedProof> {
  if (proof.split('.').length !== 3) return { ok: false, message: 'invalid DPoP proof JWT format' }
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms,
      currentDate: new Date(nowSeconds * 1000),
      requiredClaims: ['iat', 'jti', 'htm', 'htu'],
    })
    const { htm, htu, iat = 0 } = payload
    if (htm !== method) return { ok: false, message: 'DPoP proof htm does not match the request method' }
    if (htu !== url) return { ok: false, message: 'DPoP proof htu does not match the request URL' }
    if (Math.abs(nowSeconds - iat) > longestAgeSeconds) {
      return { ok: false, message: 'DPoP proof iat is outside the acceptable time window' }
    }
    const { jwk } = protectedHeader
    if (jwk === undefined) return { ok: false, message: 'DPoP proof header has no jwk' }
    return { ok: true, thumbprint: await calculateJwkThumbprint(jwk) }
  } catch {
    return { ok: false, message: 'DPoP proof signature verification failed' }
  }
}
