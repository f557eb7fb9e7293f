// One separator and what a decoder makes one of.
const separators = /[/\\]|%2f|%5c/i
const dotSegment = /^(?:\.|%2e){1,2}$/i
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const form = /^[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f\\]*$/

/** Longest URI that is looked at, in characters. */
export const maxUriLength = 8192

/**
 * Whether a resource's URI can be judged by its letters: absolute, without white space, controls and back-slashes, and
 * without dot segments in any spelling.
 *
 * Rules compare URIs as they are written. A server that resolves `notes:///public/../private` after it was allowed as
 * something below `notes:///public/` would open what no rule has allowed, so such a URI is refused for everybody.
 * Query and fragment are not looked into. A URI template is taken as well, since completion names one.
 *
 * @see RFC 3986 §5.2.4; requirements E12, G61
 */
export function isPlainUri(uri: string): boolean {
  if (uri.length > maxUriLength || !form.test(uri)) return false
  const [hierarchical = ''] = uri.split(/[?#]/, 1)
  return !hierarchical.split(separators).some((segment) => dotSegment.test(segment))
}
