import { readFileSync } from 'node:fs'

export const recordings = new URL('../../../test/fixtures/casdoor/', import.meta.url)

/** A file of `test/fixtures/casdoor` that holds a request and its answer. */
export interface Exchange {
  readonly note: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: unknown
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string | readonly string[]>>
    readonly body: unknown
  }
}

export function readRecording(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, recordings), 'utf8'))
}

export function readExchange(file: string): Exchange {
  return readRecording(file) as Exchange // The form is that of the fixtures' README.
}

const index = readRecording('index.json') as { readonly fixtures: readonly { readonly file: string }[] }

/** Every recorded file. */
export const recordedFiles: readonly string[] = index.fixtures.map(({ file }) => file)

/** Those that are one request and its answer. */
export const exchangeFiles = recordedFiles.filter(
  (file) => !file.startsWith('tokens/') && 'request' in (readRecording(file) as object),
)

/** When an exchange took place, from the cookie that was set: it lives for thirty days. */
export function timeOf({ response }: Exchange): number | undefined {
  const cookies = response.headers['set-cookie'] ?? []
  const expires = /casdoor_session_id=.*?Expires=([^;]+)/.exec([cookies].flat().join('\n'))?.[1]
  return expires === undefined ? undefined : Date.parse(expires) / 1000 - 30 * 24 * 3600
}

const compactJwt = /eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g

/** The tokens that stand somewhere in a request. */
export function tokensIn(request: Exchange['request']): readonly string[] {
  return [...new Set(JSON.stringify(request).match(compactJwt) ?? [])]
}

export function decodeJwt(jwt: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header = '', claims = ''] = jwt.split('.')
  const decode = (part: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  return { header: decode(header), claims: decode(claims) }
}
