import { createOutbound, isLoopbackHost, type Outbound } from '@mcp-doorman/outbound'
import { UsageError } from '../failure.ts'

/** Casdoor makes keys while we wait. */
const timeoutSeconds = 15
/** An application has its pages and styles in it. */
const maxBodyBytes = 4 * 1024 * 1024

/** Opens nothing yet; what the operator names may live on this machine or in their network. */
export function reachCasdoor(url: string): Outbound {
  const { origin, protocol, hostname } = new URL(url)
  const usable = protocol === 'https:' || isLoopbackHost(hostname)
  return createOutbound({ trustedOrigins: usable ? [origin] : [], timeoutSeconds, maxBodyBytes })
}

/** @throws {UsageError} when it is no URL of the web */
export function readUrl(option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(
      `${option}: "${text.slice(0, 100)}" is no URL. Write it as https://auth.example.com.`,
    )
  }
  if (url.username !== '' || url.password !== '' || /[?#]/.test(text)) {
    throw new UsageError(`${option}: must have no user, query or fragment.`)
  }
  return text
}

/**
 * The origin of a Casdoor that is to be written to.
 *
 * @throws {UsageError} when it is not one that secrets may be sent to
 */
export function readOrigin(option: string, text: string): string {
  const { origin, pathname, protocol, hostname } = new URL(readUrl(option, text))
  if (pathname !== '/') {
    throw new UsageError(`${option}: Casdoor's issuer is its bare origin. Write ${origin}, without a path.`)
  }
  if (protocol === 'http:' && !isLoopbackHost(hostname)) {
    throw new UsageError(
      `${option}: ${origin} is plain http, and administrator credentials would travel readable. Use https; plain http is for loopback only.`,
    )
  }
  return origin
}
