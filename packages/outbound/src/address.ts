import { isIP } from 'node:net'

/**
 * Where on the network an address lives.
 *
 * - `public`: may be reached across the internet.
 * - `loopback`: this machine.
 * - `private`: an organisation's own network (RFC 1918, shared space of RFC 6598, unique local IPv6).
 * - `link-local`: the same wire, and every address at which a cloud hands out its machine's credentials.
 * - `other`: nothing that a document should be fetched from (unspecified, multicast, documentation,
 *   benchmarking, reserved, tunnels to non-public addresses), and text that is no address at all.
 */
export type AddressClass = 'public' | 'loopback' | 'private' | 'link-local' | 'other'

interface Block {
  readonly family: 4 | 6
  readonly value: bigint
  readonly bits: number
  readonly class: AddressClass
}

interface ParsedAddress {
  readonly family: 4 | 6
  readonly value: bigint
}

/** The first block that holds an address decides; IPv4 that no block holds is public, IPv6 is not. */
const blocks: readonly Block[] = [
  // Cloud metadata outside the link-local blocks: Alibaba, Azure, AWS (metadata, pod identity), Google, Oracle.
  block('100.100.100.200/32', 'link-local'),
  block('168.63.129.16/32', 'link-local'),
  block('fd00:ec2::254/128', 'link-local'),
  block('fd00:ec2::23/128', 'link-local'),
  block('fd20:ce::254/128', 'link-local'),
  block('fd00:c1::a9fe:a9fe/128', 'link-local'),

  // IANA IPv4 Special-Purpose Address Registry (RFC 6890).
  block('0.0.0.0/8', 'other'), // "This network"; many systems connect 0.0.0.0 to themselves.
  block('10.0.0.0/8', 'private'),
  block('100.64.0.0/10', 'private'), // Carrier-grade NAT, RFC 6598.
  block('127.0.0.0/8', 'loopback'),
  block('169.254.0.0/16', 'link-local'),
  block('172.16.0.0/12', 'private'),
  block('192.0.0.0/24', 'other'), // Protocol assignments.
  block('192.0.2.0/24', 'other'), // Documentation, as are 198.51.100.0/24 and 203.0.113.0/24.
  block('192.88.99.0/24', 'other'), // The withdrawn 6to4 relay, RFC 7526.
  block('192.168.0.0/16', 'private'),
  block('198.18.0.0/15', 'other'), // Benchmarking, RFC 2544.
  block('198.51.100.0/24', 'other'),
  block('203.0.113.0/24', 'other'),
  block('224.0.0.0/4', 'other'), // Multicast.
  block('240.0.0.0/4', 'other'), // Reserved, with the broadcast address.

  // IANA IPv6 Special-Purpose Address Registry. Only 2000::/3 has been given out for the internet.
  block('::1/128', 'loopback'),
  block('fc00::/7', 'private'), // Unique local, RFC 4193.
  block('fe80::/10', 'link-local'),
  block('2001::/23', 'other'), // Protocol assignments: Teredo, benchmarking, ORCHID.
  block('2001:db8::/32', 'other'), // Documentation, as is 3fff::/20 (RFC 9637).
  block('3fff::/20', 'other'),
  block('2000::/3', 'public'),
]

const mappedPrefix = prefixValue('::ffff:0:0', 96)
const nat64Prefix = prefixValue('64:ff9b::', 96)
const sixToFourPrefix = prefixValue('2002::', 16)

/**
 * Says where an address lives. Pure; never throws.
 *
 * @param address - IPv4 in four decimal parts, or IPv6 without brackets; a zone (`%eth0`) is ignored.
 *   The short forms (`127.1`, `0x7f000001`) are not addresses here and give `other`: `URL` has already
 *   rewritten them by the time a host name comes out of it.
 * @see IANA special-purpose address registries (RFC 6890); RFC 6052 §3.1 (NAT64); RFC 3056 §2 (6to4)
 *
 * A network may translate a prefix of its own to IPv4 (RFC 6052 §2.2); that cannot be seen from the address.
 */
export function classifyAddress(address: string): AddressClass {
  const parsed = parseAddress(address)
  if (parsed === undefined) return 'other'
  if (parsed.family === 4) return classifyParsed(parsed)

  const { value } = parsed
  // The socket of a mapped address is an IPv4 socket (RFC 4291 §2.5.5.2), so it is judged as one.
  if (value >> 32n === mappedPrefix) return classifyParsed(ipv4(value))
  // A translator far away reaches the embedded address, so "loopback" would be somebody else's.
  if (value >> 32n === nat64Prefix) return classifyTunnelled(ipv4(value))
  if (value >> 112n === sixToFourPrefix) return classifyTunnelled(ipv4(value >> 80n))
  return classifyParsed(parsed)
}

/**
 * Whether a host name, as `URL.hostname` gives it, means this machine: a loopback address (in brackets or not),
 * `localhost`, or a name under `.localhost` (RFC 6761 §6.3). Pure; never throws.
 *
 * It does not resolve the name. `createOutbound` does, and refuses a `localhost` that lives elsewhere.
 */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  return classifyAddress(withoutBrackets(name)) === 'loopback'
}

/** `URL.hostname` puts IPv6 in brackets; sockets and `node:net` want it bare. */
export function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname
}

function classifyTunnelled(embedded: ParsedAddress): AddressClass {
  return classifyParsed(embedded) === 'public' ? 'public' : 'other'
}

function classifyParsed({ family, value }: ParsedAddress): AddressClass {
  const width = family === 4 ? 32 : 128
  const found = blocks.find(
    (block) => block.family === family && value >> BigInt(width - block.bits) === block.value,
  )
  return found?.class ?? (family === 4 ? 'public' : 'other')
}

function ipv4(value: bigint): ParsedAddress {
  return { family: 4, value: BigInt.asUintN(32, value) }
}

function parseAddress(address: string): ParsedAddress | undefined {
  const family = isIP(address)
  if (family === 4) return { family, value: joinParts(address.split('.'), 10, 8n) }
  if (family === 6) return { family, value: joinParts(ipv6Groups(address), 16, 16n) }
  return undefined
}

/** The eight groups of a valid IPv6 address. `URL` turns a dotted tail into hexadecimal groups. */
function ipv6Groups(address: string): readonly string[] {
  const bare = address.replace(/%.*$/s, '')
  const [head = '', tail] = withoutBrackets(new URL(`http://[${bare}]`).hostname).split('::')
  const before = head === '' ? [] : head.split(':')
  if (tail === undefined) return before
  const after = tail === '' ? [] : tail.split(':')
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
}

function joinParts(parts: readonly string[], radix: number, bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(Number.parseInt(part, radix)), 0n)
}

function block(cidr: string, addressClass: AddressClass): Block {
  const [address = '', length] = cidr.split('/')
  const bits = Number(length)
  return { family: isIP(address) === 4 ? 4 : 6, value: prefixValue(address, bits), bits, class: addressClass }
}

function prefixValue(address: string, bits: number): bigint {
  const parsed = parseAddress(address)
  if (parsed === undefined) throw new TypeError(`Not an address: ${address}`)
  return parsed.value >> BigInt((parsed.family === 4 ? 32 : 128) - bits)
}
