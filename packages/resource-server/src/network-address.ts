const mapped = /^::ffff:(?=[0-9.]+$)/i

/**
 * What counts as one address: an IPv4 address, or the first half of an IPv6 one, since the second half is the
 * holder's to choose. An address that is neither stands for itself.
 *
 * @see RFC 4291 §2.5.1
 */
export function addressKey(address: string): string {
  const plain = address.replace(mapped, '')
  if (!plain.includes(':')) return plain
  const [zoneless = ''] = plain.toLowerCase().split('%')
  const [front = '', back] = zoneless.split('::')
  const groups = front === '' ? [] : front.split(':')
  // What "::" stands for is zeros, of which only those within the first half matter.
  const behind = back === undefined || back === '' ? [] : back.split(':')
  const zeros = back === undefined ? 0 : Math.max(0, 8 - groups.length - behind.length)
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...behind]
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}
