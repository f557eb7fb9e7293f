import type { Message } from '@mcp-doorman/resource-server'
import { answerOutcome, methodNotFound, noSuchMethod, type Answer } from '../answer.ts'
import { logLevels } from '../call-context.ts'
import { noRounds, type Rounds } from '../calls/call.ts'
import type { InputRequests } from '../input.ts'
import type { Methods } from '../methods.ts'
import { invalid, unknown, type Outcome } from '../outcome.ts'
import type { RunContext } from '../run-context.ts'
import type { Description, Served } from '../served.ts'
import { capabilitiesOf } from './capabilities.ts'
import { negotiate } from './legacy-client.ts'
import { neededCapabilities } from './needed-capabilities.ts'

export interface LegacyOptions {
  readonly served: Served
  /** How long a client may take to answer a request of ours, in seconds. */
  readonly inputTimeoutSeconds: number
}

// A client that never gives an answer that fits is not asked for ever.
const mostRounds = 16
const noWay = 'this connection has no way to ask the client'
const done: Outcome = { kind: 'result', json: '{}' }

/** Runs requests of the revisions of 2025. What they remember lies in `context.client`, if the transport has one. */
export function createLegacy({
  served,
  inputTimeoutSeconds,
}: LegacyOptions): (message: Message, context: RunContext) => Answer | Promise<Answer> {
  return (message, context) => {
    const { methods } = served // A call ends with the offer that it began with.
    const outcome = runMethod(message, context, methods)
    if (outcome === undefined) return methodNotFound(message)
    return outcome instanceof Promise || outcome.kind === 'input'
      ? runRounds(message, context, outcome, methods)
      : answerOutcome(message, outcome, endOf(outcome), false)
  }

  function runMethod(
    message: Message,
    context: RunContext,
    methods: Methods,
  ): Outcome | Promise<Outcome> | undefined {
    switch (message.method) {
      case 'initialize':
        return described(message, context, (description) => initialize(message, context, description))
      case 'ping':
        return done
      case 'logging/setLevel':
        return described(message, context, ({ logs }) => (logs ? setLevel(message, context) : undefined))
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return described(message, context, ({ announces }) =>
          announces.updates ? subscribe(message, context) : undefined,
        )
      default:
        return methods.run(message, context, noRounds)
    }
  }

  /** What comes of a method that depends on what the server is; `undefined` is a method that it does not have. */
  async function described(
    message: Message,
    context: RunContext,
    run: (description: Description) => Outcome | Promise<Outcome | undefined> | undefined,
  ): Promise<Outcome> {
    const description = await served.describe(message, context)
    if ('kind' in description) return description
    return (await run(description)) ?? noSuchMethod(message)
  }

  function initialize(message: Message, { client }: RunContext, description: Description): Outcome {
    const protocolVersion = negotiate(message)
    const { instructions } = description
    const result = {
      protocolVersion,
      capabilities: capabilitiesOf(description, client !== undefined),
      ...(instructions !== undefined && { instructions }),
      serverInfo: served.serverInfo,
    }
    return { kind: 'result', json: JSON.stringify(result) }
  }

  function setLevel({ params }: Message, { client }: RunContext): Outcome | undefined {
    if (client === undefined) return undefined
    const level = logLevels.find((name) => name === params['level'])
    if (level === undefined) return invalid(`"level" must be one of ${logLevels.join(', ')}`)
    client.logLevel = level
    return done
  }

  async function subscribe({ method, item }: Message, context: RunContext): Promise<Outcome | undefined> {
    const { client } = context
    if (client === undefined) return undefined
    if (item === undefined) return unknown(item, context)
    if (method === 'resources/unsubscribe') {
      client.unsubscribe(item.name) // Also from one that is not there any more.
      return done
    }
    switch (await client.subscribe(item.name)) {
      case 'subscribed':
        return done
      case 'unknown':
        return unknown(item, context)
      case 'too_many':
        return invalid('Too many resources are subscribed to. Unsubscribe from one first.')
    }
  }

  /** Asks the client whatever the call needs, and runs it again, until it has come to an end. */
  async function runRounds(
    message: Message,
    context: RunContext,
    first: Outcome | Promise<Outcome>,
    methods: Methods,
  ): Promise<Answer> {
    let outcome = await first
    for (let round = 0; outcome.kind === 'input'; round += 1) {
      const { requests, used, refuse } = outcome
      const answers = round < mostRounds ? await ask(requests, context) : 'too many answers did not fit'
      if (typeof answers === 'string') {
        outcome = (await refuse?.(answers)) ?? withoutInput(message, answers)
        continue
      }
      const rounds: Rounds = { answers: { ...used.answers, ...answers }, kept: used.kept }
      // The method was there a moment ago.
      outcome = (await methods.run(message, context, rounds)) ?? unknown(message.item, context)
    }
    return answerOutcome(message, outcome, endOf(outcome), false)
  }

  /** The client's answers, or why there are none. */
  async function ask(
    requests: InputRequests,
    { client, channel, cancellation }: RunContext,
  ): Promise<Readonly<Record<string, unknown>> | string> {
    if (client === undefined) return noWay
    const needed = neededCapabilities(requests, client.capabilities)
    if (needed !== undefined)
      return `the client has not declared that it can: ${Object.keys(needed).join(', ')}`
    if (channel?.open() !== 'open') return noWay
    const replies = await Promise.all(
      Object.entries(requests).map(async ([name, { method, params }]) => {
        const reply = await client.ask(channel, method, params, cancellation, inputTimeoutSeconds)
        return { name, reply }
      }),
    )
    const answers: Record<string, unknown> = {}
    for (const { name, reply } of replies) {
      if (reply.kind === 'none') return reply.reason
      answers[name] = reply.result
    }
    return answers
  }
}

function endOf(outcome: Outcome): string {
  const meta = outcome.kind === 'result' ? outcome.meta : undefined
  return meta === undefined ? '}' : `,"_meta":${JSON.stringify(meta)}}`
}

/** A model can read why a tool came to nothing, and try something else; the other methods have only errors. */
function withoutInput({ method }: Message, reason: string): Outcome {
  const text = `input_unavailable: This has to ask for something first, and ${reason}.`
  if (method !== 'tools/call') return { kind: 'error', error: { code: -32600, message: text } }
  return {
    kind: 'result',
    json: JSON.stringify({ content: [{ type: 'text', text }], isError: true }),
    toolError: true,
  }
}
