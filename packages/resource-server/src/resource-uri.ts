// One separator and what a decoder makes one of.
const separators = /[/\\]|%2f|%5c/i
const dotSegment = /^(?:\.|%2e){1,2}$/i
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const form = /^[a-z][a-z0-9+.-]*:[^\x00-\x20\x7f\\]*$/

/** Longest URI that is looked at, in characters. */
export const maxUriLength = 8192

/**
 * Whether a resource's URI can be judged by its letters: absolute, without white space, controls and back-slashes,
 * without dot segments in any spelling, with `%` only before what has no other spelling (in capitals, as encoders
 * write it), and otherwise as `URL` writes it too, which official servers look resources up by.
 *
 * Rules compare URIs as they are written. A server that resolves `notes:///public/../private` or decodes
 * `notes:///%70rivate` after it was allowed as something else would open what no rule has allowed, so such URIs are
 * refused for everybody. Dot segments of query and fragment are not looked for. A URI template is taken as well, since
 * completion names one.
 *
 * @see RFC 3986 §5.2.4, §6.2.2; requirements E12, G61
 */
export function isPlainUri(uri: string): boolean {
  if (uri.length > maxUriLength || !form.test(uri) || hasNeedlessEscape(uri)) return false
  if (!isNormal(uri)) return false
  const [hierarchical = ''] = uri.split(/[?#]/, 1)
  return !hierarchical.split(separators).some((segment) => dotSegment.test(segment))
}

/** What `encodeURIComponent` leaves as it is: escaped, it would be another spelling of the same. */
const plainCharacter = /[A-Za-z0-9\-._~!*'()]/

function hasNeedlessEscape(uri: string): boolean {
  for (let place = uri.indexOf('%'); place !== -1; place = uri.indexOf('%', place + 1)) {
    const digits = uri.slice(place + 1, place + 3)
    if (!/^[0-9A-F]{2}$/.test(digits)) return true
    if (plainCharacter.test(String.fromCharCode(Number.parseInt(digits, 16)))) return true
  }
  return false
}

/** Whether `URL` keeps it as it is, up to the slash of an empty path. Variables of a template stand for a letter. */
function isNormal(uri: string): boolean {
  const filled = uri.replace(/\{[^{}]*\}/g, 'x')
  if (!URL.canParse(filled)) return true // Nobody can make another of it.
  const { href } = new URL(filled)
  return href === filled || href === `${filled}/`
}
