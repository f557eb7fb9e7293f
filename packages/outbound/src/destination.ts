import { isIP } from 'node:net'
import { type AddressClass, classifyAddress, isLoopbackHost, withoutBrackets } from './address.ts'
import type { OutboundSettings } from './options.ts'
import { errorCode, type Failure, failure } from './problems.ts'

/** A URL that may be asked, as far as can be told before its name is resolved. */
export interface Destination {
  readonly url: URL
  /** The host without brackets, as sockets want it. */
  readonly hostname: string
  /** The URL in messages: without its query, and not endlessly long. */
  readonly label: string
  readonly secure: boolean
  readonly trusted: boolean
}

export interface IpAddress {
  readonly address: string
  readonly family: 4 | 6
}

export type Parsed<Value> = { readonly ok: true; readonly value: Value } | Failure

const maxLabelCharacters = 200
/** RFC 1035 §2.3.4. */
const maxHostCharacters = 253

/** Judges everything about a URL that needs no network. Never throws. */
export function parseDestination(text: string, trustedOrigins: ReadonlySet<string>): Parsed<Destination> {
  // The text itself is never repeated: what cannot be parsed cannot be told apart from a secret.
  if (typeof text !== 'string' || !URL.canParse(text)) {
    return failure('invalid_url', 'The URL is not an absolute URL. Write it as https://host/path.')
  }
  // URL drops these or turns them into something else, so another reader could see another host.
  if (/[\s\p{Cc}\\]/u.test(text)) {
    return failure('invalid_url', 'The URL has a space, a backslash or a control character. Encode it.')
  }
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return failure('invalid_url', 'The URL is neither https nor http. Use https.')
  }
  if (url.hostname.length > maxHostCharacters) {
    return failure('invalid_url', `The host of the URL has more than ${maxHostCharacters} characters.`)
  }
  const label = describeUrl(url)
  if (url.username !== '' || url.password !== '') {
    return failure('invalid_url', `${label}: the URL has a user name or password in it. Remove it.`)
  }
  if (text.includes('#')) {
    return failure('invalid_url', `${label}: the URL has a fragment (#), which is never sent. Remove it.`)
  }
  const hostname = withoutBrackets(url.hostname)
  const trusted = trustedOrigins.has(url.origin)
  const secure = url.protocol === 'https:'
  if (!secure && !(trusted && isLoopbackHost(hostname))) {
    return failure(
      'insecure_url',
      `${label}: plain http would let anyone on the way read and change it. Use https; http is only for a loopback origin that is trusted by name.`,
    )
  }
  const destination: Destination = { url, hostname, label, secure, trusted }
  if (isIP(hostname) !== 0) return judgeAddress(destination, hostname) ?? { ok: true, value: destination }
  // Whatever a resolver says about it, `localhost` is this machine (RFC 6761 §6.3).
  if (!trusted && isLoopbackHost(hostname)) return refuseAddress(destination, hostname, 'loopback')
  return { ok: true, value: destination }
}

/**
 * Resolves the host once and judges every address; one that may not be reached refuses the whole name, since
 * whoever answers for the name chooses the order. The socket must connect to nothing but what this returns.
 */
export async function resolveDestination(
  destination: Destination,
  lookup: OutboundSettings['lookup'],
): Promise<Parsed<readonly IpAddress[]>> {
  const { hostname, label, trusted } = destination
  let found: readonly string[]
  try {
    found = await lookup(hostname, trusted)
  } catch (error) {
    return failure(
      'name_not_found',
      `${label}: the name ${hostname} could not be resolved (${errorCode(error)}). Check its spelling${trusted ? ' and the resolver of this machine' : '; a name that only this machine knows must be a trusted origin'}.`,
    )
  }
  if (!Array.isArray(found) || found.length === 0) {
    return failure('name_not_found', `${label}: the name ${hostname} has no address. Check its spelling.`)
  }
  const addresses: IpAddress[] = []
  for (const address of found) {
    const refusal = judgeAddress(destination, address)
    if (refusal !== undefined) return refusal
    addresses.push({ address, family: isIP(address) === 6 ? 6 : 4 })
  }
  return { ok: true, value: addresses }
}

function judgeAddress(destination: Destination, address: string): Failure | undefined {
  const { hostname, label, secure, trusted } = destination
  const addressClass = classifyAddress(address)
  const where = address === hostname ? hostname : `${hostname} (${address})`
  if (!mayReach(addressClass, trusted)) return refuseAddress(destination, where, addressClass)
  if (secure || addressClass === 'loopback') return undefined
  return failure(
    'insecure_url',
    `${label}: ${where} is not a loopback address, so plain http is refused. Use https.`,
  )
}

function mayReach(addressClass: AddressClass, trusted: boolean): boolean {
  switch (addressClass) {
    case 'public':
      return true
    case 'loopback':
    case 'private':
      return trusted
    case 'link-local':
    case 'other':
      return false
  }
}

function refuseAddress({ label }: Destination, where: string, addressClass: AddressClass): Failure {
  return failure('address_refused', `${label}: ${where} ${refusalReason(addressClass)}`)
}

function refusalReason(addressClass: AddressClass): string {
  if (addressClass === 'link-local') {
    return 'is a link-local or cloud metadata address. Nothing is ever fetched from there.'
  }
  if (addressClass === 'other') {
    return 'is not an address of a host on the internet. Nothing is ever fetched from there.'
  }
  return `is a ${addressClass} address. If it is yours, name its origin among the trusted origins.`
}

function describeUrl(url: URL): string {
  const label = `${url.protocol}//${url.host}${url.pathname}`
  return label.length <= maxLabelCharacters ? label : `${label.slice(0, maxLabelCharacters)}…`
}
