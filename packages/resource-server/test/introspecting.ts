import type { IntrospectionOptions } from '@mcp-doorman/resource-server'
import { startGuarded, type Guarded, type GuardedChange } from './guarded.ts'
import { json } from './test-issuer.ts'

export const secret = { clientId: 'our server', clientSecret: 's:e%c ret' }

export type Members = Readonly<Record<string, unknown>>

/** A server whose issuer gives out opaque tokens. */
export function startOpaque(
  change: Partial<IntrospectionOptions> = {},
  options: GuardedChange['options'] = {},
): Promise<Guarded> {
  return startGuarded({
    options,
    optionsOf: ({ issuer }) => ({
      issuers: [{ issuer, tokens: 'opaque', introspection: { ...secret, ...change } }],
    }),
  })
}

/** A server whose issuer signs its tokens and is asked about them as well. */
export function startAsked(
  change: Partial<IntrospectionOptions> = {},
  options: GuardedChange['options'] = {},
): Promise<Guarded> {
  return startGuarded({
    options,
    optionsOf: ({ issuer }) => ({ issuers: [{ issuer, introspection: { ...secret, ...change } }] }),
  })
}

/** Lets the issuer say this of every token. */
export function answer({ issuer }: Guarded, members: Members): void {
  issuer.answerIntrospection = json({ active: true, ...issuer.claims(), ...members })
}
