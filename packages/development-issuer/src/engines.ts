import type { OpenEngine } from './engine.ts'
import { openStandardEngine } from './standard-engine.ts'

/** Whose manners a development issuer can have. */
export type Like = 'doorman'

export const engines: Readonly<Record<Like, OpenEngine>> = {
  doorman: openStandardEngine,
}
