import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { classifyAddress, isLoopbackHost, withoutBrackets } from './address.ts'
import { lookupInDns, lookupOnMachine } from './resolver.ts'

/** What an outbound may reach, and how much time and memory an answer may take. */
export interface OutboundOptions {
  /**
   * Origins that the operator named, as scheme, host and port: `https://auth.example.com`.
   *
   * They may live on private and loopback addresses, and on loopback they may be plain http. Everything else must
   * be https on a public address. Link-local and cloud metadata addresses are refused here too.
   *
   * @defaultValue none
   */
  readonly trustedOrigins?: readonly string[]
  /**
   * Time for one exchange, from the call to the last byte of the body: waiting for a free connection, DNS, connect,
   * TLS, headers, body. Seconds, more than 0, at most 120.
   *
   * @defaultValue 5
   */
  readonly timeoutSeconds?: number
  /**
   * Largest body. Bytes, whole number, 1 to 268435456 (256 MiB).
   *
   * @defaultValue 1048576 (1 MiB)
   */
  readonly maxBodyBytes?: number
  /**
   * Certificate authorities in PEM, one or more in each entry, trusted beside those that Node trusts by itself (its
   * own list, `NODE_EXTRA_CA_CERTS`, and with `--use-system-ca` those of the system).
   *
   * @defaultValue none
   */
  readonly certificateAuthorities?: readonly string[]
  /**
   * Resolves a host name to all of its addresses, in the order in which to try them. Called once for each new
   * connection, never for an address that stands in the URL itself.
   *
   * @defaultValue for trusted origins the way of this machine, hosts file included; for all others DNS alone
   */
  readonly lookup?: (hostname: string) => Promise<readonly string[]>
}

/** The options, checked, copied and complete. */
export interface OutboundSettings {
  readonly trustedOrigins: ReadonlySet<string>
  readonly timeoutSeconds: number
  readonly maxBodyBytes: number
  readonly secureContext: SecureContext
  readonly lookup: (hostname: string, trusted: boolean) => Promise<readonly string[]>
}

const defaultTimeoutSeconds = 5
const maxTimeoutSeconds = 120
const defaultMaxBodyBytes = 1_048_576
const largestMaxBodyBytes = 268_435_456

const optionNames = ['trustedOrigins', 'timeoutSeconds', 'maxBodyBytes', 'certificateAuthorities', 'lookup']

/** @throws {TypeError} that lists every mistake */
export function readOptions(options: OutboundOptions): OutboundSettings {
  const mistakes = Object.keys(options)
    .filter((name) => !optionNames.includes(name))
    .map((name) => `${name}: unknown option. Known are ${optionNames.join(', ')}.`)

  const trustedOrigins = readTrustedOrigins(options.trustedOrigins ?? [], mistakes)
  const certificates = readCertificates(options.certificateAuthorities ?? [], mistakes)

  const timeoutSeconds = options.timeoutSeconds ?? defaultTimeoutSeconds
  if (!(Number.isFinite(timeoutSeconds) && timeoutSeconds > 0 && timeoutSeconds <= maxTimeoutSeconds)) {
    mistakes.push(`timeoutSeconds: must be a number above 0, at most ${maxTimeoutSeconds}.`)
  }
  const maxBodyBytes = options.maxBodyBytes ?? defaultMaxBodyBytes
  if (!(Number.isInteger(maxBodyBytes) && maxBodyBytes >= 1 && maxBodyBytes <= largestMaxBodyBytes)) {
    mistakes.push(`maxBodyBytes: must be a whole number from 1 to ${largestMaxBodyBytes}.`)
  }
  const { lookup } = options
  if (lookup !== undefined && typeof lookup !== 'function') mistakes.push('lookup: must be a function.')

  if (mistakes.length > 0) {
    throw new TypeError(`createOutbound was given options that cannot be used:\n${mistakes.join('\n')}`)
  }
  return {
    trustedOrigins,
    timeoutSeconds,
    maxBodyBytes,
    secureContext: createSecureContext({
      minVersion: 'TLSv1.2', // RFC 8996; a flag of the process must not bring older versions back.
      // Naming any authority replaces Node's own list, so that list is named too.
      ...(certificates.length > 0 && { ca: [...getCACertificates('default'), ...certificates] }),
    }),
    lookup: (hostname, trusted) => {
      if (lookup !== undefined) return lookup(hostname)
      return trusted ? lookupOnMachine(hostname) : lookupInDns(hostname)
    },
  }
}

function readTrustedOrigins(origins: unknown, mistakes: string[]): ReadonlySet<string> {
  const trusted = new Set<string>()
  if (!Array.isArray(origins)) {
    mistakes.push('trustedOrigins: must be a list of origins such as https://auth.example.com.')
    return trusted
  }
  for (const [index, origin] of origins.entries()) {
    const place = `trustedOrigins[${index}]`
    if (typeof origin !== 'string' || !URL.canParse(origin)) {
      mistakes.push(`${place}: is not a URL. Write an origin such as https://auth.example.com.`)
      continue
    }
    const url = new URL(origin)
    const hostname = withoutBrackets(url.hostname)
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      mistakes.push(`${place}: must begin with https://, or for a loopback host http://.`)
    } else if (url.href !== `${url.origin}/`) {
      mistakes.push(`${place}: has more than scheme, host and port. Write ${url.origin}.`)
    } else if (url.protocol === 'http:' && !isLoopbackHost(hostname)) {
      mistakes.push(`${place}: ${url.origin} is plain http and not loopback. Use https.`)
    } else if (isIP(hostname) !== 0 && ['link-local', 'other'].includes(classifyAddress(hostname))) {
      mistakes.push(`${place}: nothing is ever fetched from ${hostname}. Remove it.`)
    } else {
      trusted.add(url.origin)
    }
  }
  return trusted
}

function readCertificates(authorities: unknown, mistakes: string[]): readonly string[] {
  if (!Array.isArray(authorities)) {
    mistakes.push('certificateAuthorities: must be a list of PEM texts.')
    return []
  }
  return authorities.flatMap((pem: unknown, index) => {
    const certificates = typeof pem === 'string' ? (pem.match(pemCertificate) ?? []) : []
    if (certificates.length === 0 || !certificates.every(isCertificate)) {
      mistakes.push(
        `certificateAuthorities[${index}]: is not a certificate in PEM (-----BEGIN CERTIFICATE-----). Give the text of the file, not its name.`,
      )
    }
    return certificates
  })
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}
