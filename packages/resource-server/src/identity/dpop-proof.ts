import { hash } from 'node:crypto'
import { calculateJwkThumbprint, compactVerify, type JWK } from 'jose'
import { parseCompactJws, type UnverifiedJws } from './compact-jws.ts'
import type { Nonces } from './dpop-nonce.ts'
import type { ReplayStore } from './replay-store.ts'
import type { SenderEvidence, SenderProof, VerifyProof } from './sender.ts'
import { keysFor, publicJwk } from './verification-keys.ts'

export interface ProofVerifierOptions {
  /** The resource identifier: what `htu` is compared with, whatever `Host` says (requirement F5). */
  readonly resource: string
  readonly algorithms: readonly string[]
  /** How far `iat` may be from now, in seconds, before and after. */
  readonly maxAgeSeconds: number
  readonly nonces: Nonces | undefined
  readonly replays: ReplayStore
  readonly nowSeconds: () => number
}

type Refusal = SenderProof & { readonly ok: false }

// A proof has a key and some short claims; the largest RSA key in use makes about 2 KiB.
const maxProofBytes = 8192
const maxIdLength = 256
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Builds what judges DPoP proofs, each of which serves one request.
 *
 * @see RFC 9449 §4.3
 */
export function createProofVerifier(options: ProofVerifierOptions): VerifyProof {
  const { algorithms, maxAgeSeconds, nonces, replays, nowSeconds } = options
  const addressOf = createAddresses(options.resource)
  const provenKeys = new ProvenKeys()

  return async (evidence, tokenHash, keyThumbprint) => {
    const { dpop, repeated } = evidence.headers
    if (dpop === undefined) return invalid('there is no DPoP header')
    if (repeated?.includes('dpop') === true) return invalid('there are two DPoP headers')
    if (dpop.length > maxProofBytes) return invalid(`longer than ${maxProofBytes} bytes`)
    const proof = parseCompactJws(dpop)
    if (proof === undefined) return invalid('not one compact JWS with a JSON object in it')

    const header = dpop.slice(0, dpop.indexOf('.'))
    const known = provenKeys.find(header)
    const key = known ?? readProofKey(proof, algorithms)
    if (typeof key === 'string') return invalid(key)
    const now = nowSeconds()
    const claims = readProofClaims(proof, evidence, addressOf(evidence.form), tokenHash, now, maxAgeSeconds)
    if (typeof claims === 'string') return invalid(claims)
    const signed = await compactVerify(dpop, key.jwk, { algorithms: [key.algorithm] }).catch(() => undefined)
    if (signed === undefined) return invalid('not signed by the key in it')
    const thumbprint = known?.thumbprint ?? (await calculateJwkThumbprint(key.jwk))
    if (thumbprint !== keyThumbprint) {
      return { ok: false, code: 'sender_unproven', detail: 'the proof is of another key' }
    }

    if (known === undefined) provenKeys.keep(header, { ...key, thumbprint })
    const age = nonces?.judge(proof.claims['nonce'], now)
    if (nonces !== undefined && age === 'unknown') {
      const detail = 'the proof has no nonce of ours, or an old one'
      return { ok: false, code: 'dpop_nonce_required', detail, nonce: nonces.current(now) }
    }
    const { id, issuedAt } = claims
    const proofId = hash('sha256', JSON.stringify([keyThumbprint, addressOf(evidence.form), id]), 'base64url')
    const used = await useUp(replays, keyThumbprint, proofId, issuedAt + maxAgeSeconds, now)
    if (used !== undefined) return used
    return nonces !== undefined && age === 'ending' ? { ok: true, nonce: nonces.current(now) } : proven
  }
}

const proven: SenderProof = { ok: true }

interface ProofKey {
  readonly jwk: JWK
  readonly algorithm: string
}

interface ProvenKey extends ProofKey {
  readonly thumbprint: string
}

const maxProvenKeys = 2000
// More than the largest key needs: what else a client puts there is not kept for it.
const maxKeptHeader = 2048

/**
 * Keys by the header that they came in, which a client repeats in each of its proofs: to read a key and its thumbprint
 * takes as long as to verify with it. Only those that a token is bound to are kept, and in two generations, so that
 * clients that come and go are forgotten.
 */
class ProvenKeys {
  #young = new Map<string, ProvenKey>()
  #old = new Map<string, ProvenKey>()

  find(header: string): ProvenKey | undefined {
    return this.#young.get(header) ?? this.#old.get(header)
  }

  keep(header: string, key: ProvenKey): void {
    if (header.length > maxKeptHeader) return
    if (this.#young.size >= maxProvenKeys / 2) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(header, key)
  }
}

/** What is still needed of a proof that fits its request. */
interface ProofClaims {
  readonly id: string
  readonly issuedAt: number
}

/** @returns the reason to refuse, as a string */
function readProofKey({ header }: UnverifiedJws, algorithms: readonly string[]): ProofKey | string {
  const { typ, alg, jwk: given } = header
  if (typ !== 'dpop+jwt') return '"typ" must be dpop+jwt'
  if (typeof alg !== 'string' || !algorithms.includes(alg)) return 'this "alg" is not accepted'
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    return '"crit" and "b64" are not accepted'
  }
  if (typeof given !== 'object' || given === null) return '"jwk" is missing'
  if (privateMembers.some((member) => Object.hasOwn(given, member))) return '"jwk" has a private member'
  const jwk = publicJwk(given)
  const [fitting] = jwk === undefined ? [] : keysFor([{ jwk, thumbprint: '' }], alg, undefined)
  return fitting === undefined
    ? '"jwk" is no public key for this "alg"'
    : { jwk: fitting.jwk, algorithm: alg }
}

/** @returns the reason to refuse, as a string */
function readProofClaims(
  { claims }: UnverifiedJws,
  { method }: SenderEvidence,
  address: string,
  tokenHash: string,
  now: number,
  maxAgeSeconds: number,
): ProofClaims | string {
  const { jti, htm, htu, iat, ath } = claims
  if (typeof jti !== 'string' || jti === '' || jti.length > maxIdLength) {
    return `"jti" must be a string of 1 to ${maxIdLength} characters`
  }
  if (htm !== method) return '"htm" is not the method of the request'
  if (typeof htu !== 'string' || normalAddress(htu) !== address) {
    return `"htu" is not the address of this resource, which is ${address}`
  }
  if (typeof iat !== 'number') return '"iat" must be a number'
  if (!(Math.abs(now - iat) <= maxAgeSeconds)) {
    return `made ${Math.round(now - iat)} s ago; at most ${maxAgeSeconds} s before or after now: compare the clocks`
  }
  if (ath !== tokenHash) return '"ath" is not the hash of the token'
  return { id: jti, issuedAt: iat }
}

/**
 * Uses a proof up.
 *
 * @returns why it cannot be used
 */
async function useUp(
  replays: ReplayStore,
  keyThumbprint: string,
  proofId: string,
  endsAt: number,
  now: number,
): Promise<Refusal | undefined> {
  let verdict: Awaited<ReturnType<ReplayStore['remember']>> | undefined
  try {
    verdict = await replays.remember(keyThumbprint, proofId, endsAt, now)
  } catch {
    // Said below. A store that cannot answer could have seen the proof before.
  }
  if (verdict === 'new') return undefined
  if (verdict === 'seen') {
    return { ok: false, code: 'dpop_proof_replayed', detail: 'this proof was used before' }
  }
  const detail = verdict === 'full' ? 'no room to remember proofs' : 'the store of used proofs failed'
  return { ok: false, code: 'state_unavailable', detail, retryAfterSeconds: 5 }
}

function createAddresses(resource: string): (form: string) => string {
  const { origin, pathname } = new URL(resource)
  const base = `${origin}${pathname.slice(0, pathname.lastIndexOf('/'))}`
  const addresses = new Map([
    ['plain-list', `${base}/tools/list`],
    ['plain-call', `${base}/tools/call`],
  ])
  const own = `${origin}${pathname.replace(/\/$/, '')}`
  return (form) => addresses.get(form) ?? own
}

/**
 * A URL without query and fragment, normalised by syntax and scheme (RFC 3986 §6.2.2, §6.2.3), and without a final
 * slash, since a resource is served at both.
 */
function normalAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return undefined
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, '')}`
}

function invalid(detail: string): Refusal {
  return { ok: false, code: 'dpop_proof_invalid', detail }
}
