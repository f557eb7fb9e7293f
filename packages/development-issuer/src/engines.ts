import { openCasdoorEngine } from './casdoor-engine.ts'
import type { OpenEngine } from './engine.ts'
import { auth0 } from './manners/auth0.ts'
import { entra } from './manners/entra.ts'
import { keycloak } from './manners/keycloak.ts'
import { openInManner } from './manners/manner.ts'
import { openStandardEngine } from './standard-engine.ts'

/** Whose manners a development issuer can have. */
export type Like = 'doorman' | 'casdoor' | 'keycloak' | 'auth0' | 'entra'

export const engines: Readonly<Record<Like, OpenEngine>> = {
  doorman: openStandardEngine,
  casdoor: openCasdoorEngine,
  keycloak: openInManner(keycloak),
  auth0: openInManner(auth0),
  entra: openInManner(entra),
}

/** Every manner that there is. */
export const likes: readonly Like[] = Object.keys(engines).filter(isLike)

export function isLike(name: string): name is Like {
  return Object.hasOwn(engines, name)
}
