export { accepts, type MediaType } from './accept.ts'
export {
  decodeHeader,
  legacyVersions,
  modernVersion,
  parseJson,
  readPlainAction,
  supportedVersions,
  type Action,
  type ActionResult,
  type Era,
  type Item,
  type Message,
} from './action.ts'
export type { AuditSink, Outcome } from './audit.ts'
export type { AuditRecord, DecisionRecord, JudgedMessage, OutcomeRecord } from './audit-record.ts'
export type { DenialResponse } from './challenge.ts'
export { closestName } from './closest-name.ts'
export {
  unknownItemError,
  type Decision,
  type Denial,
  type Denied,
  type Granted,
  type RequestForm,
} from './decision.ts'
export { denials, type DenialCode, type DenialRule } from './denials.ts'
export type { AccessRequest } from './guard.ts'
export { certificateThumbprint, type CertificateSource } from './identity/client-certificate.ts'
export type { ClaimPlace } from './identity/claim-names.ts'
export type { ClientAuthenticationOptions } from './identity/client-authentication.ts'
export type { DpopNonceOptions, DpopOptions } from './identity/dpop.ts'
export type { Identity, IdentityFacts } from './identity/identity.ts'
export type { WatchEnd, WatchIdentity } from './identity/watch.ts'
export type { KeyTimes } from './identity/issuer-keys.ts'
export type {
  CasdoorIssuerOptions,
  ClaimMapping,
  IntrospectionOptions,
  IssuerOptions,
  StandardIssuerOptions,
} from './identity/issuer-options.ts'
export { createMemoryReplayStore, type ReplayStore, type ReplayVerdict } from './identity/replay-store.ts'
export {
  createMemoryRevocations,
  type Revocation,
  type RevocationStore,
  type RevocationWish,
} from './identity/revocations.ts'
export type { SenderBinding } from './identity/sender.ts'
export { formatErrorResponse, type JsonRpcError, type JsonRpcId } from './json-rpc.ts'
export type { LimitStore, LimitStoreOptions } from './limit-store.ts'
export { parseRate, type LimitState, type Rate } from './limits.ts'
export type { ProtectedResourceMetadata, ProtectedResourceMetadataDocument } from './metadata.ts'
export type { Check, Explain, Explanation } from './policy/explain.ts'
export type {
  AuthenticationRequirement,
  ConditionContext,
  Requirements,
  Rule,
  ScopeDefinition,
} from './policy/rule.ts'
export { readHeaders, type PresentedHeaders } from './presented-headers.ts'
export { isPlainUri } from './resource-uri.ts'
export { parseUriTemplate, type UriTemplate, type Variables } from './uri-template.ts'
export { createResourceServer, type ResourceServer, type ResourceServerOptions } from './resource-server.ts'
