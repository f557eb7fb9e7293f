import { supportedVersions, type Message } from '@mcp-doorman/resource-server'
import { answerOutcome, fail, methodNotFound, ok, type Answer } from '../answer.ts'
import { noRounds } from '../calls/call.ts'
import type { InputState } from '../calls/input-state.ts'
import { clientCapabilities } from '../client-facts.ts'
import type { Cacheable, Outcome } from '../outcome.ts'
import type { RunContext } from '../run-context.ts'
import type { Served } from '../served.ts'
import { capabilitiesOf } from './capabilities.ts'
import { createListen } from './listen.ts'
import { neededCapabilities } from './needed-capabilities.ts'

const prefix = 'io.modelcontextprotocol/'
/** The methods whose answer may be that input is required (requirement G22). */
const mayAsk: ReadonlySet<string> = new Set(['tools/call', 'resources/read', 'prompts/get'])

export interface ModernOptions {
  readonly served: Served
  readonly inputState: InputState
}

/** Runs requests of 2026-07-28: each stands alone, and nothing is remembered between them. */
export function createModern({
  served,
  inputState,
}: ModernOptions): (message: Message, context: RunContext) => Answer | Promise<Answer> {
  const identity = { [`${prefix}serverInfo`]: served.serverInfo }
  const identified = `"_meta":${JSON.stringify(identity)}}`
  // What every complete result ends with.
  const end = `,"resultType":"complete",${identified}`
  const listen = createListen(served, identity)

  return (message, context) => {
    switch (message.method) {
      case 'server/discover':
        return discover(message, context)
      case 'subscriptions/listen':
        return listen(message, context)
      default:
        return runMethod(message, context)
    }
  }

  function runMethod(message: Message, context: RunContext): Answer | Promise<Answer> {
    const rounds = mayAsk.has(message.method) ? inputState.read(message, context) : noRounds
    if (typeof rounds === 'string') return fail(message, { code: -32602, message: rounds })
    const outcome = served.methods.run(message, context, rounds)
    // Over HTTP this era answers an unknown method with 404 (requirement G9).
    if (outcome === undefined) return methodNotFound(message, 404)
    return outcome instanceof Promise
      ? outcome.then((settled) => answer(message, context, settled))
      : answer(message, context, outcome)
  }

  function answer(message: Message, context: RunContext, outcome: Outcome): Answer | Promise<Answer> {
    if (outcome.kind === 'input') return answerInput(message, context, outcome)
    if (outcome.kind !== 'result') return answerOutcome(message, outcome, '', true)
    const { cache, meta } = outcome
    const ownEnd =
      meta === undefined
        ? end
        : `,"resultType":"complete","_meta":${JSON.stringify({ ...meta, ...identity })}}`
    return answerOutcome(message, outcome, hintsOf(cache) + ownEnd, true)
  }

  function answerInput(
    message: Message,
    context: RunContext,
    { requests, used, refuse }: Outcome & { kind: 'input' },
  ): Answer | Promise<Answer> {
    const goOn = (reason: string): Promise<Answer> | undefined =>
      refuse?.(reason).then((outcome) => answer(message, context, outcome))
    if (!mayAsk.has(message.method)) {
      const text = 'The answer to this method cannot be to ask for input.'
      return goOn(text) ?? fail(message, { code: -32603, message: text })
    }
    const requiredCapabilities = neededCapabilities(requests, clientCapabilities(message, context))
    if (requiredCapabilities !== undefined) {
      const names = Object.keys(requiredCapabilities).join(', ')
      const text = `This needs what the client has not declared: ${names}`
      return goOn(text) ?? fail(message, { code: -32021, message: text, data: { requiredCapabilities } }, 400)
    }
    const inputRequests = Object.fromEntries(
      Object.entries(requests).map(([name, { method, params }]) => [name, { method, params }]),
    )
    const requestState = inputState.write(message, context, used)
    const result = JSON.stringify({ resultType: 'input_required', inputRequests, requestState })
    return ok(message, `${result.slice(0, -1)},${identified}`)
  }

  async function discover(message: Message, context: RunContext): Promise<Answer> {
    const description = await served.describe(message, context)
    if ('kind' in description) return answerOutcome(message, description, '', true)
    const { instructions, cache } = description
    const result = JSON.stringify({
      supportedVersions,
      capabilities: capabilitiesOf(description, true),
      ...(instructions !== undefined && { instructions }),
    })
    return ok(message, result.slice(0, -1) + hintsOf(cache) + end)
  }
}

function hintsOf(cache: Cacheable | undefined): string {
  return cache === undefined ? '' : `,"ttlMs":${cache.ttlMs},"cacheScope":"${cache.cacheScope}"`
}
