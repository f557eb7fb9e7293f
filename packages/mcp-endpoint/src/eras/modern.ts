import { supportedVersions, type Message } from '@mcp-doorman/resource-server'
import { answerOutcome, fail, methodNotFound, ok, type Answer } from '../answer.ts'
import { noRounds } from '../calls/call.ts'
import type { InputState } from '../calls/input-state.ts'
import { clientCapabilities } from '../client-facts.ts'
import { fieldsOf } from '../fields.ts'
import { notification } from '../notifications.ts'
import type { Outcome } from '../outcome.ts'
import type { RunContext } from '../run-context.ts'
import type { Served } from '../served.ts'
import type { ListKind, Subscriptions } from '../subscriptions.ts'
import { neededCapabilities } from './needed-capabilities.ts'

const prefix = 'io.modelcontextprotocol/'
const listKinds = ['tools', 'prompts', 'resources'] as const
/** The methods whose answer may be that input is required (requirement G22). */
const mayAsk: ReadonlySet<string> = new Set(['tools/call', 'resources/read', 'prompts/get'])

export interface ModernOptions {
  readonly served: Served
  readonly inputState: InputState
  readonly subscriptions: Subscriptions
}

/** Runs requests of 2026-07-28: each stands alone, and nothing is remembered between them. */
export function createModern({
  served,
  inputState,
  subscriptions,
}: ModernOptions): (message: Message, context: RunContext) => Answer | Promise<Answer> {
  const identified = `"_meta":{"${prefix}serverInfo":${JSON.stringify(served.serverInfo)}}}`
  // What every complete result ends with.
  const end = `,"resultType":"complete",${identified}`

  return (message, context) => {
    switch (message.method) {
      case 'server/discover':
        return ok(message, discover())
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

  function answer(message: Message, context: RunContext, outcome: Outcome): Answer {
    if (outcome.kind === 'input') return answerInput(message, context, outcome)
    const cache = outcome.kind === 'result' ? outcome.cache : undefined
    const hints = cache === undefined ? '' : `,"ttlMs":${cache.ttlMs},"cacheScope":"${cache.cacheScope}"`
    return answerOutcome(message, outcome, hints + end, true)
  }

  function answerInput(
    message: Message,
    context: RunContext,
    { requests, used }: Outcome & { kind: 'input' },
  ): Answer {
    if (!mayAsk.has(message.method)) {
      return fail(message, { code: -32603, message: 'The answer to this method cannot be to ask for input.' })
    }
    const requiredCapabilities = neededCapabilities(requests, clientCapabilities(message, context))
    if (requiredCapabilities !== undefined) {
      const names = Object.keys(requiredCapabilities).join(', ')
      const text = `This needs what the client has not declared: ${names}`
      return fail(message, { code: -32021, message: text, data: { requiredCapabilities } }, 400)
    }
    const inputRequests = Object.fromEntries(
      Object.entries(requests).map(([name, { method, params }]) => [name, { method, params }]),
    )
    const requestState = inputState.write(message, context, used)
    const result = JSON.stringify({ resultType: 'input_required', inputRequests, requestState })
    return ok(message, `${result.slice(0, -1)},${identified}`)
  }

  function discover(): string {
    const { described, listCache } = served
    const text = JSON.stringify({
      supportedVersions,
      ...described(true),
      ttlMs: listCache.ttlMs,
      cacheScope: 'public',
    })
    return text.slice(0, -1) + end
  }

  /** Runs until it is cancelled, by whoever has a reason: the client, its token's end, the server's. */
  function listen(message: Message, context: RunContext): Answer | Promise<Answer> {
    const { channel, cancellation, caller } = context
    if (!served.announcesLists && !served.announcesResources) return methodNotFound(message, 404)
    const way = channel?.open() ?? 'not_accepted'
    if (way === 'too_many') {
      return fail(
        message,
        { code: 429, message: 'Too many streams of yours are open. Close one first.' },
        429,
      )
    }
    if (channel === undefined || way === 'not_accepted') {
      const needed =
        'A subscription is answered by a stream. Send "Accept: application/json, text/event-stream".'
      return fail(message, { code: -32600, message: needed }, 406)
    }
    const { lists, uris } = honour(message, context)
    const { id } = message
    const meta = { [`${prefix}subscriptionId`]: id }
    const tell = (method: string, params: Readonly<Record<string, unknown>>): void =>
      channel.emit(notification(method, { ...params, _meta: meta }))
    const filter = {
      ...Object.fromEntries(lists.map((kind) => [`${kind}ListChanged`, true])),
      ...(uris.length > 0 && { resourceSubscriptions: uris }),
    }
    tell('notifications/subscriptions/acknowledged', { notifications: filter })
    const subscription = subscriptions.add({
      caller,
      wantsList: (kind) => lists.includes(kind),
      mayKnow: (uri) => context.allows({ kind: 'resource', name: uri }),
      tell,
    })
    for (const uri of uris) subscription.watch(uri)
    return new Promise((resolve) => {
      const finish = (): void => {
        subscription.close()
        const { serverInfo } = served
        const result = { resultType: 'complete', _meta: { ...meta, [`${prefix}serverInfo`]: serverInfo } }
        resolve(ok({ id }, JSON.stringify(result)))
      }
      if (cancellation.cancelled) finish()
      else cancellation.signal.addEventListener('abort', finish, { once: true })
    })
  }

  /** The part of a filter that can be honoured: what this server announces, and what the caller may read. */
  function honour(
    { params, subscribes = [] }: Message,
    context: RunContext,
  ): { readonly lists: readonly ListKind[]; readonly uris: readonly string[] } {
    const { announcesLists, announcesResources, methods } = served
    const { has, resources } = methods.offer
    const asked = fieldsOf(params['notifications'])
    const lists = listKinds.filter(
      (kind) => asked[`${kind}ListChanged`] === true && announcesLists && has[kind],
    )
    const readable = subscribes.filter(
      (item) => announcesResources && context.allows(item) && resources.find(item.name) !== undefined,
    )
    return { lists, uris: [...new Set(readable.map(({ name }) => name))] }
  }
}
