import { type Call, readBasic } from '../interface/call.ts'
import { findClient } from '../rows/clients.ts'
import { paths } from '../interface/discovery.ts'
import type { Instance } from '../instance.ts'
import { verifyClaims } from '../keys/signing.ts'

/** How a client says who it is. An empty text stands for what it did not send. */
export type PresentedClient =
  | {
      readonly ok: true
      readonly clientId: string
      readonly clientSecret: string
      /** By an assertion, in place of a secret. */
      readonly isProven: boolean
    }
  /** An assertion that cannot be used. */
  | { readonly ok: false; readonly message: string }

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Reads credentials from the header, the parameters, or an assertion. */
export async function readClient(
  instance: Instance,
  call: Call,
  parameters: Readonly<Record<string, string>>,
): Promise<PresentedClient> {
  if (parameters['client_assertion_type'] === assertionType) {
    return judgeAssertion(instance, call.issuer, parameters['client_assertion'] ?? '')
  }
  const basic = readBasic(call)
  return {
    ok: true,
    clientId: basic?.name ?? parameters['client_id'] ?? '',
    clientSecret: basic?.password ?? parameters['client_secret'] ?? '',
    isProven: false,
  }
}

/** An assertion names the client, one of its redirect URIs as the issuer, and the token endpoint as the audience. */
async function judgeAssertion(
  instance: Instance,
  issuer: string,
  assertion: string,
): Promise<PresentedClient> {
  if (assertion.split('.').length !== 3) {
    return { ok: false, message: 'token is malformed: token contains an invalid number of segments' }
  }
  const subject = readSubject(assertion)
  const client = findClient(instance, subject)
  if (client === undefined) return { ok: false, message: 'Invalid client_id' }
  const { application, clientId } = client
  const cert = instance.certs.get(`admin/${application.clientCert}`)
  const verified = await verifyClaims(assertion, cert, instance.nowSeconds())
  if (!verified.ok) return verified
  const { iss, aud, exp } = verified.claims
  const audiences = Array.isArray(aud) ? aud : [aud]
  if (typeof iss !== 'string' || !(application.redirectUris ?? []).includes(iss)) {
    return { ok: false, message: 'token has invalid issuer' }
  }
  if (!audiences.includes(issuer + paths.token)) return { ok: false, message: 'token has invalid audience' }
  if (typeof exp !== 'number') return { ok: false, message: 'token is missing required claim: exp' }
  return { ok: true, clientId, clientSecret: '', isProven: true }
}

/** Whose assertion it says it is; proven only by the signature. */
function readSubject(assertion: string): string {
  try {
    const payload: unknown = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString())
    return typeof payload === 'object' && payload !== null && 'sub' in payload ? String(payload.sub) : ''
  } catch {
    return ''
  }
}
