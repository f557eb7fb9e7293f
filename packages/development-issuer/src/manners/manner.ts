import type { EngineSettings, IssuerEngine, OpenEngine } from '../engine.ts'
import type { Interceptor } from '../interception/exchange.ts'
import { interceptEngine } from '../interception/intercepted-engine.ts'
import { openStandardEngine } from '../standard-engine.ts'

/** How another provider differs from the standard engine, as far as it matters to MCP clients and servers. */
export interface Manner {
  /** What it does not offer at all. */
  readonly without: readonly ('clientDocuments' | 'registration')[]
  /** What it calls itself. @defaultValue the issuer as configured */
  readonly issuer?: (issuer: string) => string
  /** What it does otherwise. */
  interceptor(settings: EngineSettings): Interceptor
}

/** The standard engine with the manners of another provider. */
export function openInManner(manner: Manner): OpenEngine {
  return async (settings) => {
    const off = Object.fromEntries(manner.without.map((name) => [name, false]))
    const engine: IssuerEngine = await openStandardEngine({ ...settings, ...off })
    const interceptors = [manner.interceptor(settings)]
    return {
      ...interceptEngine(engine, () => interceptors, settings.onServerError),
      issuer: manner.issuer?.(settings.issuer) ?? settings.issuer,
    }
  }
}
