import { parseJson, type Item } from '../action.ts'
import type { Granted } from '../decision.ts'

/** What the handler gets for a body. */
export interface HandedOn {
  /** Parsed; `undefined` where the request has none. */
  readonly body: unknown
  /** Whether it is less than was sent. */
  readonly reduced: boolean
  /** Whether there is anything to run: a batch may have been refused message by message. */
  readonly empty: boolean
}

/**
 * The body that was judged, without what was refused in its place: messages of a batch, and the resources of a
 * subscription that its caller may not be told of.
 *
 * Read from the very bytes that were judged, by the same parser.
 */
export function handedOn(
  granted: Granted,
  bytes: Buffer | undefined,
  allows: (item: Item) => boolean,
): HandedOn {
  if (bytes === undefined) return { body: undefined, reduced: false, empty: false }
  const parsed = parseJson(bytes)
  if (!parsed.ok) throw new Error('a body that was judged cannot be read again')
  const { messages, batch } = granted.action
  if (batch) return withoutRefused(granted, parsed.json)

  const refused = messages[0]?.subscribes?.filter((item) => !allows(item)) ?? []
  if (refused.length === 0) return { body: parsed.json, reduced: false, empty: false }
  const names = new Set(refused.map(({ name }) => name))
  return { body: withoutSubscriptions(parsed.json, names), reduced: true, empty: false }
}

function withoutRefused({ inPlace }: Granted, json: unknown): HandedOn {
  // A batch was judged, so this is one.
  const entries = json as readonly unknown[]
  const kept = entries.filter((_entry, place) => inPlace[place] === undefined)
  return { body: kept, reduced: kept.length < entries.length, empty: kept.length === 0 }
}

/** The members were looked at when the message was judged, so they are what they are taken for here. */
function withoutSubscriptions(json: unknown, refused: ReadonlySet<string>): unknown {
  type Members = Readonly<Record<string, unknown>>
  const message = json as Members
  const params = message['params'] as Members
  const notifications = params['notifications'] as Members
  const uris = notifications['resourceSubscriptions'] as readonly string[]
  const resourceSubscriptions = uris.filter((uri) => !refused.has(uri))
  return { ...message, params: { ...params, notifications: { ...notifications, resourceSubscriptions } } }
}
