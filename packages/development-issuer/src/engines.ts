import { openCasdoorEngine } from './casdoor-engine.ts'
import type { OpenEngine } from './engine.ts'
import { openStandardEngine } from './standard-engine.ts'

/** Whose manners a development issuer can have. */
export type Like = 'doorman' | 'casdoor'

export const engines: Readonly<Record<Like, OpenEngine>> = {
  doorman: openStandardEngine,
  casdoor: openCasdoorEngine,
}
