import { findParamHeaders, type ParamHeader } from '@mcp-doorman/mcp-endpoint'
import { isFields, type Fields } from '../rpc-message.ts'
import { readAllTools } from './all-tools.ts'
import type { Connection } from './connection.ts'

const keptMilliseconds = 300_000

/** Which arguments of which tools are repeated in headers, as the server's own list of them says. */
export class ToolHeaders {
  readonly #connection: Connection
  #loaded: Promise<ReadonlyMap<string, readonly ParamHeader[]>> | undefined
  #loadedAt = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Has them asked for again: the list has changed, or the server says that they are others. */
  forget(): void {
    this.#loaded = undefined
  }

  /**
   * Those of one tool; none for one that is not listed.
   *
   * @throws {UpstreamFailure} (as a rejection) when the list cannot be read
   */
  async of(tool: string, timeoutSeconds: number): Promise<readonly ParamHeader[]> {
    if (performance.now() - this.#loadedAt > keptMilliseconds) this.forget()
    if (this.#loaded === undefined) {
      this.#loadedAt = performance.now()
      const loading = this.#load(timeoutSeconds)
      this.#loaded = loading
      loading.catch(() => {
        if (this.#loaded === loading) this.forget()
      })
    }
    return (await this.#loaded).get(tool) ?? []
  }

  async #load(timeoutSeconds: number): Promise<ReadonlyMap<string, readonly ParamHeader[]>> {
    const headers = new Map<string, readonly ParamHeader[]>()
    for (const tool of await readAllTools(this.#connection, timeoutSeconds)) {
      const declared = headersOf(tool)
      if (typeof tool['name'] === 'string' && declared !== undefined) headers.set(tool['name'], declared)
    }
    return headers
  }
}

/** The headers that a listed tool declares; `undefined` when no client could follow them (requirement H11). */
export function headersOf({ inputSchema }: Fields): readonly ParamHeader[] | undefined {
  if (!isFields(inputSchema)) return []
  const problems: string[] = []
  const headers = findParamHeaders(inputSchema, '', problems)
  return problems.length === 0 ? headers : undefined
}
