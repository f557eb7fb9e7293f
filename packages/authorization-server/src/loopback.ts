import { classifyAddress } from '@mcp-doorman/outbound'

/**
 * Whether only this machine is meant: `localhost`, or a loopback address (IPv6 with or without brackets). Pure.
 *
 * Names under `.localhost` are not: nothing makes a resolver keep them here when we listen on one.
 */
export function isThisMachine(host: string): boolean {
  return host === 'localhost' || classifyAddress(host.replace(/^\[(.*)\]$/s, '$1')) === 'loopback'
}

/** Whether the host of a URL is this machine; false for text that is no URL. */
export function isLoopbackUrl(text: string): boolean {
  return URL.canParse(text) && isThisMachine(new URL(text).hostname)
}
