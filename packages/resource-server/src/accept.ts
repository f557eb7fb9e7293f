/** What an answer may be, as far as MCP has a choice. */
export type MediaType = 'application/json' | 'text/event-stream'

/**
 * Whether an `Accept` header takes a media type. An absent one takes everything.
 *
 * Parameters are passed over, except that a weight of zero refuses. Never throws.
 *
 * @see RFC 9110 §12.5.1
 */
export function accepts(accept: string | undefined, type: MediaType): boolean {
  if (accept === undefined) return true
  const [group = ''] = type.split('/', 1)
  const ranges = new Set([type, `${group}/*`, '*/*'])
  return accept.split(',').some((entry) => {
    const [range = '', ...parameters] = entry.split(';')
    return (
      ranges.has(range.trim().toLowerCase()) &&
      !parameters.some((parameter) => /^\s*q=0(?:\.0*)?\s*$/i.test(parameter))
    )
  })
}
