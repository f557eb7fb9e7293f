import { callable, checkKeys, number, text, texts, type Kinds } from '../unknown-keys.ts'

/** How a protected resource is served, whatever the framework. */
export interface FrontOptions {
  /**
   * The path at which this process sees the resource, where a proxy in front changes paths.
   *
   * Default: the path of the resource itself. What clients are told stays the resource.
   */
  readonly path?: string
  /**
   * Origins of web pages that may use the server, such as `https://app.example.com`, besides the resource's own.
   *
   * Compared whole. A resource on loopback also takes pages of loopback, of any port. Default: none.
   */
  readonly allowedOrigins?: readonly string[]
  /** Longest body, in bytes; 1,024 to 67,108,864. A longer one is answered 413. Default: 4,194,304. */
  readonly maxBodyBytes?: number
  /**
   * Told what a handler threw; nothing of it reaches a client, who is answered 500.
   *
   * Default: a process warning.
   */
  readonly onHandlerError?: (error: unknown) => void
}

export interface FrontSettings {
  readonly path: string
  readonly allowedOrigins: ReadonlySet<string>
  readonly maxBodyBytes: number
  readonly onHandlerError: (error: unknown) => void
}

const kinds: Kinds<FrontOptions> = {
  path: text,
  allowedOrigins: texts,
  maxBodyBytes: number,
  onHandlerError: callable,
}

const defaultBodyBytes = 4 * 1024 * 1024
const mostBodyBytes = 64 * 1024 * 1024

/** @throws {TypeError} listing everything that is wrong */
export function readFrontOptions(options: FrontOptions, resource: URL): FrontSettings {
  const problems: string[] = []
  const usable = checkKeys('', options, kinds, problems)
  const { path = resource.pathname, allowedOrigins = [], maxBodyBytes = defaultBodyBytes } = options
  if (usable) {
    if (!/^\/[^?#\s]*$/.test(path)) problems.push(`path: "${path}" must begin with "/" and have no query.`)
    if (!(Number.isInteger(maxBodyBytes) && maxBodyBytes >= 1024 && maxBodyBytes <= mostBodyBytes)) {
      problems.push(`maxBodyBytes: must be 1024 to ${mostBodyBytes}, and is ${maxBodyBytes}.`)
    }
    for (const origin of allowedOrigins) {
      if (URL.canParse(origin) && new URL(origin).origin === origin) continue
      problems.push(`allowedOrigins: "${origin}" is no origin. Write it as https://app.example.com.`)
    }
  }
  if (problems.length > 0) throw new TypeError(`The resource cannot be served:\n- ${problems.join('\n- ')}`)
  return {
    path,
    allowedOrigins: new Set([resource.origin, ...allowedOrigins]),
    maxBodyBytes,
    onHandlerError: options.onHandlerError ?? warn,
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error))
}
