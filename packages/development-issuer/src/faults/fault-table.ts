import {
  emptyScopeRefused,
  formAction,
  iss,
  offlineAccessRefused,
  redirectHosts,
  redirectPorts,
  resourceRefused,
  scopeNotRegistered,
} from './authorization-faults.ts'
import type { FaultKind } from './fault-kind.ts'
import { keysDoubled, keysRemoved, keysReplaced, keysRotated, keysWeak, tokenForged } from './key-faults.ts'
import {
  corsRefused,
  metadataAuthMethods,
  metadataIncomplete,
  metadataIssuer,
  metadataPkce,
  metadataScopes,
  metadataType,
} from './metadata-faults.ts'
import { random } from './random-fault.ts'
import {
  clientsForgotten,
  registrationAnswer,
  registrationOff,
  registrationPolicy,
} from './registration-faults.ts'
import {
  clock,
  refreshNeedsScope,
  refreshOnce,
  resourceLost,
  tokenAudience,
  tokenExpiry,
  tokenIssuer,
  tokenKind,
  tokenOpaque,
  tokenScope,
} from './token-faults.ts'
import { cut, empty, hanging, html, huge, redirecting, serverError, slow } from './transport-faults.ts'

/** Every way in which the development issuer can misbehave, in the order in which they act. Names are permanent. */
export const faultTable = {
  slow,
  hanging,
  'server-error': serverError,
  html,
  redirecting,
  random,

  'registration-off': registrationOff,
  'registration-policy': registrationPolicy,
  'registration-answer': registrationAnswer,
  'clients-forgotten': clientsForgotten,

  'redirect-ports': redirectPorts,
  'redirect-hosts': redirectHosts,
  'scope-not-registered': scopeNotRegistered,
  'offline-access-refused': offlineAccessRefused,
  'empty-scope-refused': emptyScopeRefused,
  'resource-refused': resourceRefused,
  'resource-lost': resourceLost,
  iss,
  'form-action': formAction,

  'refresh-once': refreshOnce,
  'refresh-needs-scope': refreshNeedsScope,
  'token-issuer': tokenIssuer,
  'token-audience': tokenAudience,
  'token-scope': tokenScope,
  'token-expiry': tokenExpiry,
  clock,
  'token-forged': tokenForged,
  'token-kind': tokenKind,
  'token-opaque': tokenOpaque,

  'keys-rotated': keysRotated,
  'keys-replaced': keysReplaced,
  'keys-removed': keysRemoved,
  'keys-doubled': keysDoubled,
  'keys-weak': keysWeak,

  'metadata-issuer': metadataIssuer,
  'metadata-pkce': metadataPkce,
  'metadata-incomplete': metadataIncomplete,
  'metadata-auth-methods': metadataAuthMethods,
  'metadata-scopes': metadataScopes,
  'metadata-type': metadataType,
  'cors-refused': corsRefused,

  empty,
  huge,
  cut,
} as const satisfies Readonly<Record<string, FaultKind>>

/** What a fault is called. */
export type FaultName = keyof typeof faultTable

export const faultNames: readonly FaultName[] = Object.keys(faultTable).filter(isFaultName)

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(faultTable, name)
}
