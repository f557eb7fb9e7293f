import { isLoopbackName } from '@mcp-doorman/mcp-endpoint'
import { UsageError } from './failure.ts'

export interface PublicUrl {
  /** The resource identifier. */
  readonly resource: string
  /** What the user should be told about how it came to be. */
  readonly notice: string | undefined
}

/**
 * Settles the URL that clients use.
 *
 * @throws {UsageError} when it has to be given and is not, or cannot be one
 */
export function settlePublicUrl(
  given: string | undefined,
  host: string,
  port: number,
  option = '--public-url',
): PublicUrl {
  if (given === undefined && port === 0) {
    throw new UsageError(
      `--port 0 takes a port that nobody knows before, so tokens cannot name it. Add ${option}.`,
    )
  }
  if (given === undefined) {
    if (!isLoopbackName(host)) {
      throw new UsageError(
        `Listening on ${host} needs the URL that clients will use, which names the audience of their tokens. Add --public-url https://…/mcp (TLS ends at a proxy in front).`,
      )
    }
    return { resource: `http://${host.includes(':') ? `[${host}]` : host}:${port}/mcp`, notice: undefined }
  }
  if (!URL.canParse(given)) {
    throw new UsageError(`${option}: "${given}" is not a URL. Write it as https://mcp.example.com/mcp.`)
  }
  const url = new URL(given)
  if (given !== url.origin && given !== `${url.origin}/`) return { resource: given, notice: undefined }
  const resource = `${url.origin}/mcp`
  return {
    resource,
    notice: `${option} ${given} has no path, so /mcp was appended: clients and tokens name ${resource}.`,
  }
}
