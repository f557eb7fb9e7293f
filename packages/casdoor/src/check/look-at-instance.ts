import type { OutboundAnswer } from '@mcp-doorman/outbound'
import { readJsonObject } from '../answers.ts'
import { readIssuer } from '../identify.ts'
import { quoted } from '../problems.ts'
import { textOf } from '../records.ts'
import type { Seen } from './judge-application.ts'
import { doubledIds, publishedIds, readKeySet } from './key-set.ts'
import type { Questions } from './questions.ts'

/** What the instance showed of itself. */
export interface InstanceView {
  readonly seen: readonly Seen[]
  /** What it calls itself; undefined when there is no use in asking more. */
  readonly issuer: string | undefined
}

/** So far clocks may differ: what resource servers of ours allow by default. */
const toleranceSeconds = 30

/** Asks four questions: metadata, the same as a page, keys, registration. */
export async function lookAtInstance(
  ask: Questions,
  origin: string,
  nowSeconds: () => number,
): Promise<InstanceView> {
  const answer = await ask.discovery()
  const named = readIssuer(answer, origin)
  if (!named.ok) {
    const { code, message } = named.problem
    const id = code === 'unreachable' ? 'unreachable' : 'not_casdoor'
    return { seen: [{ id, evidence: message }], issuer: undefined }
  }
  const issuer = named.value
  const seen: Seen[] = []
  if (issuer !== origin) {
    seen.push({ id: 'issuer_differs', evidence: `asked at ${origin}, it calls itself ${quoted(issuer)}` })
  }
  seen.push(...judgeClock(answer, nowSeconds()))
  seen.push(...judgePages(await ask.discoveryForPages()))
  seen.push(...(await judgeKeys(await ask.keys())))
  seen.push(...judgeRegistration(await ask.registration()))
  return { seen, issuer }
}

function judgeClock(answer: OutboundAnswer, now: number): readonly Seen[] {
  const date = answer.ok ? Date.parse(answer.headers['date'] ?? '') / 1000 : Number.NaN
  const ahead = Math.round(date - now)
  if (Number.isNaN(date) || Math.abs(ahead) <= toleranceSeconds) return []
  const how = ahead > 0 ? `${ahead} s ahead of` : `${-ahead} s behind`
  return [{ id: 'clock_differs', evidence: `its clock is ${how} ours` }]
}

function judgePages(answer: OutboundAnswer): readonly Seen[] {
  if (!answer.ok || answer.status !== 403) return []
  return [{ id: 'web_clients_refused', evidence: 'its metadata answers 403 to a page of another origin' }]
}

async function judgeKeys(answer: OutboundAnswer): Promise<readonly Seen[]> {
  const set = readKeySet(answer, '/.well-known/jwks')
  if (!set.ok) return [{ id: 'keys_broken', evidence: set.evidence }]
  const seen: Seen[] = []
  const doubled = doubledIds(set.keys)
  const published = await publishedIds(set.keys)
  if (doubled.length > 0)
    seen.push({ id: 'key_id_doubled', evidence: `more than once: ${doubled.join(', ')}` })
  if (published.length > 0) {
    seen.push({ id: 'key_published', evidence: `the certificate ${published.join(', ')}` })
  }
  return seen
}

/** Registration is on where an empty one is refused for want of a redirect URI, not because it is off. */
function judgeRegistration(answer: OutboundAnswer): readonly Seen[] {
  const read = readJsonObject(answer, 'POST /api/oauth/register')
  if (!read.ok || textOf(read.value, 'error') !== 'invalid_redirect_uri') return []
  return [{ id: 'registration_open', evidence: 'registration is on for the organization built-in' }]
}
