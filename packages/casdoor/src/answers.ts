import type { OutboundAnswer } from '@mcp-doorman/outbound'
import { done, failed, quoted, type Result } from './problems.ts'
import { isRecord, type CasdoorRecord } from './records.ts'

/** How Casdoor says, with status 200, that the caller is nobody or may not. */
const notAllowed = 'Unauthorized operation'

/**
 * Reads what Casdoor's own API answers: `{status, msg, data}`, with status 200 also for errors. Never throws.
 *
 * @param what - what was asked for, for messages: `GET https://auth.example.com/api/get-user`
 * @returns `data` of an answer that says `ok`
 */
export function readEnvelope(answer: OutboundAnswer, what: string): Result<unknown> {
  const read = readJsonObject(answer, what)
  if (!read.ok) return read
  const { status, msg, data } = read.value
  if (status === 'ok') return done(data)
  if (status !== 'error') {
    return failed('not_casdoor', `${what} answered JSON that is not Casdoor's. ${wrongUrlAdvice}`)
  }
  if (msg === notAllowed) {
    return failed(
      'not_allowed',
      `${what}: Casdoor says "${notAllowed}". It takes wrong credentials for none, and does not let every account change everything: use the client id and secret of app-built-in, or an administrator of the organization built-in.`,
    )
  }
  const reason = typeof msg === 'string' && msg.trim() !== '' ? quoted(msg) : 'no reason'
  return failed('refused', `${what}: Casdoor refused and says: ${reason}`)
}

/** Reads a JSON object of any endpoint, whatever its status. Never throws. */
export function readJsonObject(answer: OutboundAnswer, what: string): Result<CasdoorRecord> {
  if (!answer.ok) return failed('unreachable', answer.message)
  const { status, headers, body } = answer
  if (status >= 500) {
    return failed(
      'unreachable',
      `${what} answered ${status}: Casdoor, or a proxy in front of it, is in trouble. Look at its log, and try again.`,
    )
  }
  const type = headers['content-type'] ?? 'nothing that it names'
  if (!type.startsWith('application/json')) {
    return failed(
      'not_casdoor',
      `${what} answered ${status} with ${quoted(type)} in place of JSON. ${wrongUrlAdvice}`,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    return failed('not_casdoor', `${what} answered ${status} with broken JSON. ${wrongUrlAdvice}`)
  }
  if (isRecord(value)) return done(value)
  return failed('not_casdoor', `${what} answered ${status} with JSON that is no object. ${wrongUrlAdvice}`)
}

const wrongUrlAdvice =
  'Check that the URL is the origin of a Casdoor, as in its "origin" setting, and not a path below it or a proxy\'s own page.'
