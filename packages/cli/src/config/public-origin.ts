import { isLoopbackName } from '@mcp-doorman/mcp-endpoint'

/** The origin of every resource; one that stands in its place when it cannot be told, so that the rest can be read. */
export type Origin =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly url: string; readonly message: string }

/** The origin that clients use: as it is given, or the address on loopback that is listened on. */
export function readOrigin(given: string | undefined, host: string, port: number): Origin {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (given === undefined) {
    if (isLoopbackName(host)) return { ok: true, url }
    return wrong(
      `is missing. Others can reach ${host}, so write the origin that clients use, as https://mcp.example.com.`,
    )
  }
  if (!URL.canParse(given)) return wrong('is no URL. Write an origin, as https://mcp.example.com.')
  const { origin, protocol, hostname } = new URL(given)
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopbackName(hostname.replace(/^\[|\]$/g, '')))) {
    return wrong('must be https; plain http is for loopback only.')
  }
  if (given !== origin) {
    return wrong(`must be an origin alone, since the path of each server comes after it. Write ${origin}.`)
  }
  return { ok: true, url: given }
}

function wrong(message: string): Origin {
  return { ok: false, url: 'http://127.0.0.1', message }
}
