import type { Message } from '@mcp-doorman/resource-server'
import {
  logLevels,
  type CallContext,
  type Caller,
  type ClientFacts,
  type LogLevel,
  type Progress,
} from '../call-context.ts'
import { clientCapabilities, progressTokenOf, wantedLogLevel } from '../client-facts.ts'
import type { Answers, InputRequests } from '../input.ts'
import { notification } from '../notifications.ts'
import type { RunContext } from '../run-context.ts'
import { readAnswer } from './answers.ts'

/** Ends a call that cannot go on without answers. Authors' functions let it pass. */
export class InputNeeded extends Error {
  override readonly name = 'InputNeeded'
  readonly requests: InputRequests

  constructor(requests: InputRequests) {
    super('Nothing is wrong: the endpoint asks the client now. Do not catch this.')
    this.requests = requests
  }
}

/** What is known of a call from its earlier rounds. */
export interface Rounds {
  /** Answers by the name of the request; nothing says yet that they fit. */
  readonly answers: Readonly<Record<string, unknown>>
  /** What `keep` computed before. */
  readonly kept: Readonly<Record<string, unknown>>
}

export const noRounds: Rounds = { answers: {}, kept: {} }

const burst = 100
const perSecond = 20
const defaultRetryMilliseconds = 1000

/** One run of an author's function: what it is told, and what it says meanwhile. Costs little until it is used. */
export class Call implements CallContext {
  readonly #message: Message
  readonly #context: RunContext
  readonly #rounds: Rounds
  readonly #logs: boolean
  #used: Rounds = noRounds
  #reported = Number.NEGATIVE_INFINITY
  #units = burst
  #unitsAt = 0

  /** @param logs - whether this server passes log messages on */
  constructor(message: Message, context: RunContext, rounds: Rounds, logs: boolean) {
    this.#message = message
    this.#context = context
    this.#rounds = rounds
    this.#logs = logs
  }

  get caller(): Caller | undefined {
    return this.#context.caller
  }

  get signal(): AbortSignal {
    return this.#context.cancellation.signal
  }

  get client(): ClientFacts {
    return { capabilities: clientCapabilities(this.#message, this.#context) }
  }

  /** The answers that fitted, and what was kept: what the next round needs. */
  get used(): Rounds {
    return this.#used
  }

  // Functions are made when they are looked at, so that authors may take the context apart.

  get mayUse(): CallContext['mayUse'] {
    return (item) => this.#context.allows(item)
  }

  get ask(): CallContext['ask'] {
    return (requests) => this.#ask(requests)
  }

  get keep(): CallContext['keep'] {
    return (name, compute) => this.#keep(name, compute)
  }

  get progress(): CallContext['progress'] {
    return (report) => this.#report(report)
  }

  get log(): CallContext['log'] {
    return (level, data, logger) => this.#log(level, data, logger)
  }

  get detach(): CallContext['detach'] {
    return (retryMilliseconds = defaultRetryMilliseconds) =>
      this.#context.channel?.detach(Math.max(0, Math.round(retryMilliseconds)))
  }

  #ask<Requests extends InputRequests>(requests: Requests): Answers<Requests> {
    const given = this.#rounds.answers
    const missing: Record<string, InputRequests[string]> = {}
    const answers: Record<string, unknown> = {}
    for (const [name, request] of Object.entries(requests)) {
      const answer = Object.hasOwn(given, name) ? readAnswer(request, given[name]) : undefined
      if (answer === undefined) missing[name] = request
      else answers[name] = answer
    }
    this.#used = { ...this.#used, answers: { ...this.#used.answers, ...answers } }
    if (Object.keys(missing).length > 0) throw new InputNeeded(missing)
    // Each answer has been read by its own request.
    return answers as Answers<Requests>
  }

  #keep<Value>(name: string, compute: () => Value): Value {
    const { kept } = this.#rounds
    // What stands under this name was kept by this very call: the seal is ours.
    const value = Object.hasOwn(kept, name) ? (kept[name] as Value) : compute()
    this.#used = { ...this.#used, kept: { ...this.#used.kept, [name]: value } }
    return value
  }

  #report(report: Progress): void {
    const progressToken = progressTokenOf(this.#message)
    const { channel } = this.#context
    if (channel === undefined || progressToken === undefined) return
    const { progress, total, message } = report
    if (!Number.isFinite(progress) || !(progress > this.#reported) || !this.#takeUnit()) return
    this.#reported = progress
    channel.emit(notification('notifications/progress', { progressToken, progress, total, message }))
  }

  #log(level: LogLevel, data: unknown, logger: string | undefined): void {
    const { channel } = this.#context
    if (channel === undefined || !this.#logs) return
    const wanted = wantedLogLevel(this.#message, this.#context)
    if (wanted === undefined || logLevels.indexOf(level) < logLevels.indexOf(wanted)) return
    if (this.#takeUnit())
      channel.emit(notification('notifications/message', { level, logger, data: data ?? null }))
  }

  /** Whether one more notification may go: a burst, and so many a second after that. */
  #takeUnit(): boolean {
    const now = performance.now()
    if (this.#unitsAt > 0) {
      this.#units = Math.min(burst, this.#units + ((now - this.#unitsAt) / 1000) * perSecond)
    }
    this.#unitsAt = now
    if (this.#units < 1) return false
    this.#units -= 1
    return true
  }
}
