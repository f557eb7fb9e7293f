import { isIP } from 'node:net'

/** The name in a `Host` header or an origin's authority, without its port. */
export function hostNameOf(authority: string): string {
  return authority.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

/** The issuer that an instance without a configured origin takes from the request. */
export function issuerFromHost(host: string): string {
  const name = hostNameOf(host)
  const plain = isIP(name) !== 0 || !name.includes('.')
  return `${plain ? 'http' : 'https'}://${host}`
}

/** Whether a name or address is one that the internet does not reach: Casdoor then answers pages from anywhere. */
export function isPrivateHost(host: string): boolean {
  const name = hostNameOf(host)
  return !name.includes('.') || /^(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.[\d.]+$/.test(name)
}

export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '127.0.0.1'
}
