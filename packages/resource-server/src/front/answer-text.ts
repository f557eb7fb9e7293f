import type { AnswerFilter } from './answer-filter.ts'

/** How the body of an answer is read. */
export type AnswerKind = 'json' | 'events' | 'other'

export function answerKind(contentType: string | null | undefined): AnswerKind {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'application/json') return 'json'
  return type === 'text/event-stream' ? 'events' : 'other'
}

/**
 * The body of a JSON answer as it may go on; the same text when nothing changes.
 *
 * @returns `undefined` when it must be kept back
 */
export function filterJson(text: string, filter: AnswerFilter): string | undefined {
  if (text === '') return filter.inPlace.length === 0 ? text : JSON.stringify(filter.inPlace)
  const parsed = parse(text)
  if (parsed === undefined) return filter.mustRead ? undefined : text
  const { json } = parsed
  const batch = Array.isArray(json)
  const before = batch ? (json as readonly unknown[]) : [json]
  const after = before.map(filter.message).filter((message) => message !== undefined)
  const unchanged =
    after.length === before.length && after.every((message, place) => message === before[place])
  if (unchanged && filter.inPlace.length === 0) return text
  if (batch || filter.inPlace.length > 0) return JSON.stringify([...after, ...filter.inPlace])
  return after.length === 0 ? undefined : JSON.stringify(after[0])
}

/** Takes pieces of an event stream, and gives back what of it may go on by now. */
export interface EventFilter {
  readonly take: (piece: Uint8Array) => string
  /** What is left at the end. */
  readonly end: () => string
}

const blankLine = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)/

/**
 * Filters a stream of events, each of which carries one message. Comments and events without data pass as they are.
 *
 * @see HTML Living Standard §9.2.6
 */
export function createEventFilter(filter: AnswerFilter): EventFilter {
  const decoder = new TextDecoder()
  // A long event comes in many pieces, which are joined once it is whole.
  let pieces: string[] = []
  let tail = ''
  let begun = false
  // The last line end may have been the first half of one.
  let cutReturn = false

  function begin(): string {
    if (begun) return ''
    begun = true
    return filter.inPlace.map(formatEvent).join('')
  }

  return {
    take: (piece) => {
      const decoded = decoder.decode(piece, { stream: true })
      const text = cutReturn && decoded.startsWith('\n') ? decoded.slice(1) : decoded
      if (decoded !== '') cutReturn = false
      let out = begin()
      pieces.push(text)
      tail += text
      const isWhole = blankLine.test(tail)
      // What may be the beginning of a blank line.
      tail = tail.slice(-3)
      if (!isWhole) return out
      let waiting = pieces.join('')
      for (let end = blankLine.exec(waiting); end !== null; end = blankLine.exec(waiting)) {
        out += filterEvent(waiting.slice(0, end.index), filter)
        waiting = waiting.slice(end.index + end[0].length)
        cutReturn = waiting === '' && end[0].endsWith('\r')
      }
      pieces = [waiting]
      tail = waiting.slice(-3)
      return out
    },
    // An event that was not ended is none, as a client takes it.
    end: () => begin(),
  }
}

/** A message as an event. */
export function formatEvent(message: unknown): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`
}

function filterEvent(event: string, filter: AnswerFilter): string {
  const whole = `${event}\n\n`
  const lines = event.split(/\r\n|\n|\r/)
  const data = lines
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).replace(/^ /, ''))
    .join('\n')
  if (data === '') return whole
  const parsed = parse(data)
  if (parsed === undefined) return filter.mustRead ? '' : whole
  const message = filterMessages(parsed.json, filter)
  if (message === parsed.json) return whole
  // Its id stays: a stream is resumed behind the last one that was seen.
  const others = lines.filter((line) => !line.startsWith('data:'))
  const kept = message === undefined ? others.filter((line) => line.startsWith('id:')) : others
  const rest = message === undefined ? [] : [`data: ${JSON.stringify(message)}`]
  const rebuilt = [...kept, ...rest]
  return rebuilt.length === 0 ? '' : `${rebuilt.join('\n')}\n\n`
}

/** A message, or what is left of a list of them, which clients of 2025-03-26 take; nothing where nothing is left. */
function filterMessages(json: unknown, filter: AnswerFilter): unknown {
  if (!Array.isArray(json)) return filter.message(json)
  const kept = json.flatMap((message: unknown) => {
    const left = filter.message(message)
    return left === undefined ? [] : [left]
  })
  const same = kept.length === json.length && kept.every((message, place) => message === json[place])
  if (same) return json
  return kept.length === 0 ? undefined : kept
}

function parse(text: string): { readonly json: unknown } | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return { json }
  } catch {
    return undefined
  }
}
