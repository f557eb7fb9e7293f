import { X509Certificate } from 'node:crypto'
import type { OutboundAnswer } from '@mcp-doorman/outbound'
import { calculateJwkThumbprint } from 'jose'
import { readJsonObject } from '../answers.ts'
import { quoted } from '../problems.ts'
import { isRecord, rowsOf, textOf, type CasdoorRecord } from '../records.ts'

/** A key set as it was answered, or why there is none. */
export type KeySet =
  | { readonly ok: true; readonly keys: readonly CasdoorRecord[] }
  | { readonly ok: false; readonly evidence: string }

/** Reads a key set. Status 200 is not enough: Casdoor answers errors with it. */
export function readKeySet(answer: OutboundAnswer, path: string): KeySet {
  if (answer.ok && answer.status >= 500) {
    return { ok: false, evidence: `GET ${path} answered ${answer.status}` }
  }
  const read = readJsonObject(answer, `GET ${path}`)
  if (!read.ok) return { ok: false, evidence: read.problem.message }
  if (Array.isArray(read.value['keys'])) return { ok: true, keys: rowsOf(read.value, 'keys') }
  const { msg } = read.value
  const said = typeof msg === 'string' ? `: ${quoted(msg)}` : ''
  const status = answer.ok ? answer.status : 0
  return { ok: false, evidence: `GET ${path} answered ${status} without "keys"${said}` }
}

/** Ids that more than one key has. */
export function doubledIds(keys: readonly CasdoorRecord[]): readonly string[] {
  const ids = keys.map((key) => textOf(key, 'kid'))
  return [...new Set(ids.filter((id, place) => ids.indexOf(id) !== place))]
}

/** RFC 7638 thumbprint of the key pair in Casdoor's source tree. */
export const publishedThumbprint = 'KikP8HIWMxFExJUuKXl8KOws9iLU8E7MiM8jVlJWyLI'

/** The ids of keys that everybody can sign with. */
export async function publishedIds(
  keys: readonly CasdoorRecord[],
  thumbprint = publishedThumbprint,
): Promise<readonly string[]> {
  const found: string[] = []
  for (const key of keys) {
    // What is no key has no thumbprint, and is nobody's.
    const own = await calculateJwkThumbprint({ ...key, kty: textOf(key, 'kty') }).catch(() => '')
    if (own === thumbprint) found.push(textOf(key, 'kid'))
  }
  return found
}

/** When the certificate of a key ends, in epoch seconds; undefined when it has none that can be read. */
export function endOfCertificate(key: CasdoorRecord): number | undefined {
  const chain = isRecord(key) ? key['x5c'] : undefined
  const [first] = Array.isArray(chain) ? chain : []
  if (typeof first !== 'string') return undefined
  try {
    return Date.parse(new X509Certificate(Buffer.from(first, 'base64')).validTo) / 1000
  } catch {
    return undefined
  }
}
