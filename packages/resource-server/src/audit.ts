import { statusOf } from './challenge.ts'
import type { Decision, Granted } from './decision.ts'
import type { DenialCode } from './denials.ts'
import type { Identity } from './identity/identity.ts'
import type { Revocation } from './identity/revocations.ts'
import type { Verdict } from './policy/policy.ts'
import type { CompiledRule } from './policy/rule.ts'

/** Where records go. Each line is one JSON object without its line end. */
export interface AuditSink {
  /**
   * Takes a record: the JSON of an {@link AuditRecord}. Must not wait. What it throws for a decision denies the request.
   */
  readonly write: (line: string) => void
  /** Whether records can still be kept. While they cannot, requests are denied: no decision without a record. */
  readonly available: () => boolean
  /** Writes what is waiting. */
  readonly close: () => Promise<void>
}

/** How a granted request ended. */
export interface Outcome {
  /** HTTP status; 0 where the transport has none. */
  readonly status: number
  /** `tool_error`: the tool answered with `isError`. `error`: a JSON-RPC error. `cancelled`: nobody was left to answer. */
  readonly result: 'ok' | 'tool_error' | 'error' | 'cancelled'
  readonly durationMilliseconds: number
}

export interface Recorder {
  readonly decision: (decision: Decision, address: string | undefined, timeMilliseconds: number) => void
  readonly outcome: (decision: Granted, outcome: Outcome, timeMilliseconds: number) => void
  readonly revocation: (revocation: Revocation, timeMilliseconds: number) => void
}

const maxNameLength = 64
const maxUriLength = 512
// The longest method of MCP has 36 characters, an opaque token 43.
const maxMethodLength = 40
// What nobody here has named may be a secret that a client put in the wrong place: too little of it to be of use.
const maxStrangeLength = 16

/**
 * Builds what writes records: one for each decision, and one for how each granted request ended.
 *
 * A record is made of named facts only. There is no way into it for a token, a header, an argument or a result;
 * a resource is recorded by its kind, since its URI may say what is in it, unless the options want the URI.
 *
 * @see AuditRecord
 */
export function createRecorder(sink: AuditSink, withResourceUris = false): Recorder {
  // What a token says of its caller is the same in every record: it is written out once.
  const callers = new WeakMap<Identity, string>()
  const rules = new WeakMap<CompiledRule, string>()

  // A busy server writes many records in each millisecond.
  let lastTime = Number.NaN
  let lastText = ''

  function timeText(milliseconds: number): string {
    const whole = Math.floor(milliseconds)
    if (whole !== lastTime) {
      lastTime = whole
      lastText = new Date(whole).toISOString()
    }
    return lastText
  }

  function caller(identity: Identity | undefined): string {
    if (identity === undefined) return ''
    let text = callers.get(identity)
    if (text === undefined) {
      const { issuer, subject, clientId, tokenId, scopes } = identity
      text = members({ issuer, subject, client: clientId, token: tokenId, granted: [...scopes] })
      callers.set(identity, text)
    }
    return text
  }

  function ruleOf(verdict: Verdict): string {
    const { rule } = verdict
    if (verdict.outcome === 'allow' && rule !== undefined) {
      let text = rules.get(rule)
      if (text === undefined) {
        rules.set(rule, (text = members({ rule: rule.id, required: rule.require?.scopes })))
      }
      return text
    }
    if (verdict.outcome === 'challenge') {
      return members({ rule: rule?.id, required: verdict.scopes, missing: verdict.missing })
    }
    return 'unmet' in verdict ? members({ rule: rule?.id, unmet: verdict.unmet }) : ''
  }

  function messages({ action, form, verdicts = [] }: Decision): string {
    if (action === undefined) return ''
    const era = `,"era":"${action.era}"`
    const texts = action.messages.map(({ kind, method, item }, index) => {
      const verdict = verdicts[index]
      const length = verdict?.rule === undefined ? maxStrangeLength : maxNameLength
      const name = item === undefined || item.kind === 'resource' ? undefined : item.name.slice(0, length)
      const text =
        `,"method":${plainOrEscaped(kind === 'response' ? '(response)' : method.slice(0, maxMethodLength))}` +
        (item === undefined ? '' : `,"item":"${item.kind}"`) +
        (name === undefined ? '' : `,"name":${plainOrEscaped(name)}`) +
        (withResourceUris && item?.kind === 'resource'
          ? `,"uri":${plainOrEscaped(item.name.slice(0, maxUriLength))}`
          : '')
      return verdict === undefined ? text : text + ruleOf(verdict)
    })
    if (!action.batch)
      return era + (texts[0] ?? `,"method":"${form === 'mcp-end' ? '(end of session)' : '(stream)'}"`)
    const outcomes = verdicts.map(({ outcome }) => `,"outcome":"${outcome}"`)
    return `${era},"batch":[${texts.map((text, index) => `{${(text + (outcomes[index] ?? '')).slice(1)}}`).join(',')}]`
  }

  return {
    decision: (decision, address, time) => {
      const { id, identity } = decision
      const end = decision.granted
        ? ''
        : members({
            code: decision.denial.code,
            status: statusOf(decision.denial, decision.form),
            detail: decision.denial.detail === '' ? undefined : decision.denial.detail,
          })
      sink.write(
        `{"kind":"decision","time":"${timeText(time)}","id":"${id}"` +
          `,"outcome":"${decision.granted ? 'allow' : outcomeOf(decision.denial.code)}"${end}` +
          `${caller(identity)}${messages(decision)}` +
          `${address === undefined ? '' : `,"address":${plainOrEscaped(address)}`}}`,
      )
    },
    outcome: ({ id }, { status, result, durationMilliseconds }, time) => {
      sink.write(
        `{"kind":"outcome","time":"${timeText(time)}","decision":"${id}","status":${status}` +
          `,"result":"${result}","milliseconds":${Math.round(durationMilliseconds * 1000) / 1000}}`,
      )
    },
    revocation: ({ issuer, subject, clientId, tokenId, issuedUpTo }, time) => {
      const upTo = tokenId === undefined ? new Date(issuedUpTo * 1000).toISOString() : undefined
      const what = members({ issuer, subject, client: clientId, token: tokenId, issuedUpTo: upTo })
      sink.write(`{"kind":"revocation","time":"${timeText(time)}"${what}}`)
    },
  }
}

function outcomeOf(code: DenialCode): string {
  if (code === 'scope_missing' || code === 'authentication_insufficient') return 'challenge'
  if (code === 'rule_refused') return 'refuse'
  return code === 'item_hidden' ? 'hide' : 'deny'
}

/** `,"name":value` for each value that is there. */
function members(values: Readonly<Record<string, unknown>>): string {
  let text = ''
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) text += `,"${name}":${escaped(JSON.stringify(value))}`
  }
  return text
}

const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function plainOrEscaped(text: string): string {
  return plainText.test(text) ? `"${text}"` : escaped(JSON.stringify(text))
}

// JSON leaves these as they are, but terminals and line readers act on them (requirement K4): controls, line ends, and
// what turns the direction of text.
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const unsafe = /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

function escaped(json: string): string {
  return json.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
