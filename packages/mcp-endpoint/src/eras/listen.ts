import type { Message } from '@mcp-doorman/resource-server'
import { answerOutcome, fail, methodNotFound, ok, type Answer } from '../answer.ts'
import { fieldsOf, type Fields } from '../fields.ts'
import { notification } from '../notifications.ts'
import type { Channel, RunContext } from '../run-context.ts'
import type { Served } from '../served.ts'
import type { Subscription } from '../subscriptions.ts'

const subscriptionId = 'io.modelcontextprotocol/subscriptionId'
const listKinds = ['tools', 'prompts', 'resources'] as const

/**
 * Answers `subscriptions/listen`: runs until it is cancelled, by whoever has a reason: the client, its token's end, the
 * server's.
 *
 * @param identity - what the `_meta` of every result says of the server
 */
export function createListen(
  served: Served,
  identity: Fields,
): (message: Message, context: RunContext) => Promise<Answer> {
  return async (message, context) => {
    const description = await served.describe(message, context)
    if ('kind' in description) return answerOutcome(message, description, '', true)
    const { announces } = description
    if (!Object.values(announces).includes(true)) return methodNotFound(message, 404)
    const { channel, cancellation } = context
    const way = channel?.open() ?? 'not_accepted'
    if (way === 'too_many') {
      const text = 'Too many streams of yours are open. Close one first.'
      return fail(message, { code: 429, message: text }, 429)
    }
    if (channel === undefined || way === 'not_accepted') {
      const text =
        'A subscription is answered by a stream. Send "Accept: application/json, text/event-stream".'
      return fail(message, { code: -32600, message: text }, 406)
    }
    const subscription = await follow(message, context, channel, announces)
    return new Promise((resolve) => {
      const finish = (): void => {
        subscription.close()
        const result = { resultType: 'complete', _meta: { [subscriptionId]: message.id, ...identity } }
        resolve(ok(message, JSON.stringify(result)))
      }
      if (cancellation.cancelled) finish()
      else cancellation.signal.addEventListener('abort', finish, { once: true })
    })
  }

  /** Begins with the acknowledgement: the part of the filter that this server announces and the caller may read. */
  async function follow(
    { id, params, subscribes = [] }: Message,
    context: RunContext,
    channel: Channel,
    announces: Readonly<Record<(typeof listKinds)[number] | 'updates', boolean>>,
  ): Promise<Subscription> {
    const tell = (method: string, told: Fields): void =>
      channel.emit(notification(method, { ...told, _meta: { [subscriptionId]: id } }))
    const asked = fieldsOf(params['notifications'])
    const lists = listKinds.filter((kind) => asked[`${kind}ListChanged`] === true && announces[kind])
    const readable = subscribes.filter((item) => announces.updates && context.allows(item))

    // What changes before the acknowledgement is told after it (requirement G15).
    let early: (() => void)[] | undefined = []
    const subscription = served.follow({
      caller: context.caller,
      callerKey: context.callerKey,
      wantsList: (kind) => lists.includes(kind),
      mayKnow: (uri) => context.allows({ kind: 'resource', name: uri }),
      tell: (...told) => {
        if (early === undefined) tell(...told)
        else early.push(() => tell(...told))
      },
    })
    const wanted = [...new Set(readable.map(({ name }) => name))]
    const exist = await Promise.all(wanted.map(async (uri) => subscription.watch(uri)))
    const uris = wanted.filter((_, index) => exist[index] === true)
    const filter = {
      ...Object.fromEntries(lists.map((kind) => [`${kind}ListChanged`, true])),
      ...(uris.length > 0 && { resourceSubscriptions: uris }),
    }
    tell('notifications/subscriptions/acknowledged', { notifications: filter })
    for (const tellNow of early) tellNow()
    early = undefined
    return subscription
  }
}
