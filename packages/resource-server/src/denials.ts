/** Every reason for which access can be refused. Names are permanent: logs, tests and alarms cite them. */
export type DenialCode =
  | 'token_missing'
  | 'authorization_malformed'
  | 'authorization_repeated'
  | 'token_presented_twice'
  | 'token_too_long'
  | 'token_malformed'
  | 'token_type_refused'
  | 'token_use_refused'
  | 'critical_header_unknown'
  | 'algorithm_refused'
  | 'issuer_unknown'
  | 'key_unknown'
  | 'signature_invalid'
  | 'audience_mismatch'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'claim_missing'
  | 'claim_invalid'
  | 'client_refused'
  | 'owner_refused'
  | 'sender_unproven'
  | 'dpop_proof_invalid'
  | 'dpop_proof_replayed'
  | 'dpop_nonce_required'
  | 'token_inactive'
  | 'token_revoked'
  | 'issuer_unavailable'
  | 'introspection_refused'
  | 'state_unavailable'
  | 'decision_failed'
  | 'audit_unavailable'
  | 'limits_unavailable'
  | 'server_busy'
  | 'method_not_allowed'
  | 'method_removed'
  | 'media_type_unsupported'
  | 'not_acceptable'
  | 'body_too_large'
  | 'body_incomplete'
  | 'body_unparsable'
  | 'message_invalid'
  | 'params_invalid'
  | 'headers_disagree'
  | 'version_unsupported'
  | 'batch_refused'
  | 'authentication_limit_reached'
  | 'caller_limit_reached'
  | 'rule_limit_reached'
  | 'authentication_insufficient'
  | 'scope_missing'
  | 'rule_refused'
  | 'item_hidden'

/** What a denial looks like on the wire. */
export interface DenialRule {
  /** HTTP status. */
  readonly status: number
  /** The `error` of RFC 6750 §3.1, RFC 9449 §7.1 or RFC 9470 §3, where the standard has one. */
  readonly oauthError?:
    | 'invalid_request'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'invalid_dpop_proof'
    | 'use_dpop_nonce'
    | 'insufficient_user_authentication'
  /** The JSON-RPC error code, for denials that come after the message is known. */
  readonly jsonRpcCode?: number
  /** The whole of what the caller is told. The cause stands in the decision record. */
  readonly sentence: string
  /** Where the behaviour comes from. */
  readonly source: string
}

// One sentence for every bad token (requirement C32): the answer must not help to tell one cause from another.
const badToken = {
  status: 401,
  oauthError: 'invalid_token',
  sentence: 'The access token is not valid here. Get a new one.',
} as const

const badProof = {
  status: 401,
  oauthError: 'invalid_dpop_proof',
  sentence: 'The DPoP proof is not valid for this request. Make a new one for each request.',
} as const

const badAuthorization = {
  status: 400,
  oauthError: 'invalid_request',
  sentence: 'Send exactly one "Authorization: Bearer <token>" header and no token elsewhere.',
} as const

const unavailable = {
  status: 503,
  sentence: 'This request cannot be decided right now. Try again after the time in Retry-After.',
} as const

/** The one table of denials. Documents, tests and answers read it. */
export const denials: Readonly<Record<DenialCode, DenialRule>> = {
  token_missing: {
    status: 401,
    sentence: 'An access token is required.',
    source: 'RFC 6750 §3.1: no error code where nothing was presented',
  },
  authorization_malformed: { ...badAuthorization, source: 'RFC 6750 §2.1, RFC 9110 §11.4' },
  authorization_repeated: { ...badAuthorization, source: 'RFC 6750 §3.1' },
  token_presented_twice: { ...badAuthorization, source: 'RFC 6750 §2' },
  token_too_long: { ...badToken, source: 'C25' },
  token_malformed: { ...badToken, source: 'RFC 7515 §3.1, RFC 8725 §3.14' },
  token_type_refused: { ...badToken, source: 'RFC 9068 §4' },
  token_use_refused: { ...badToken, source: 'RFC 8725 §3.12' },
  critical_header_unknown: { ...badToken, source: 'RFC 7515 §4.1.11' },
  algorithm_refused: { ...badToken, source: 'RFC 8725 §3.1' },
  issuer_unknown: { ...badToken, source: 'RFC 9068 §4' },
  key_unknown: { ...badToken, source: 'RFC 7517 §4.5' },
  signature_invalid: { ...badToken, source: 'RFC 9068 §4' },
  audience_mismatch: { ...badToken, source: 'RFC 9068 §4, RFC 8707 §2' },
  token_expired: { ...badToken, source: 'RFC 7519 §4.1.4' },
  token_not_yet_valid: { ...badToken, source: 'RFC 7519 §4.1.5' },
  claim_missing: { ...badToken, source: 'RFC 9068 §2.2' },
  claim_invalid: { ...badToken, source: 'RFC 7519 §4.1' },
  client_refused: { ...badToken, source: 'direct mode pins the application' },
  owner_refused: { ...badToken, source: 'direct mode pins the organization' },
  sender_unproven: { ...badToken, source: 'RFC 9449 §7.2, RFC 8705 §3' },
  dpop_proof_invalid: { ...badProof, source: 'RFC 9449 §4.3, §7.1' },
  dpop_proof_replayed: { ...badProof, source: 'RFC 9449 §11.1' },
  dpop_nonce_required: {
    status: 401,
    oauthError: 'use_dpop_nonce',
    sentence: 'Put the value of the DPoP-Nonce header into the proof.',
    source: 'RFC 9449 §9',
  },
  token_inactive: { ...badToken, source: 'RFC 7662 §2.2' },
  token_revoked: { ...badToken, source: 'MCP 2026-07-28 authorization' },
  issuer_unavailable: { ...unavailable, source: 'B20' },
  introspection_refused: { ...unavailable, source: 'RFC 7662 §2.3' },
  state_unavailable: { ...unavailable, source: 'B20' },
  decision_failed: { ...unavailable, source: 'B20' },
  audit_unavailable: { ...unavailable, source: 'K6' },
  limits_unavailable: { ...unavailable, source: 'J6' },
  server_busy: { ...unavailable, source: 'J8' },
  method_not_allowed: {
    status: 405,
    jsonRpcCode: -32600,
    sentence: 'This address takes another method, which the Allow header names.',
    source: 'MCP 2026-07-28 Streamable HTTP',
  },
  method_removed: {
    status: 404,
    jsonRpcCode: -32601,
    sentence: 'Method not found',
    source: 'MCP 2026-07-28 Streamable HTTP',
  },
  media_type_unsupported: {
    status: 415,
    jsonRpcCode: -32600,
    sentence: 'Send the message as "Content-Type: application/json".',
    source: 'G24',
  },
  not_acceptable: {
    status: 406,
    jsonRpcCode: -32600,
    sentence: 'Send "Accept: application/json, text/event-stream".',
    source: 'MCP 2025-11-25 Streamable HTTP',
  },
  body_too_large: {
    status: 413,
    jsonRpcCode: -32600,
    sentence: 'The message is larger than this server accepts.',
    source: 'J7',
  },
  body_incomplete: {
    status: 400,
    jsonRpcCode: -32700,
    sentence: 'The message ended before it was complete.',
    source: 'RFC 9112 §8',
  },
  body_unparsable: {
    status: 400,
    jsonRpcCode: -32700,
    sentence: 'The message is not JSON, or is nested too deeply.',
    source: 'JSON-RPC 2.0 §5.1',
  },
  message_invalid: {
    status: 400,
    jsonRpcCode: -32600,
    sentence: 'The message is not a JSON-RPC 2.0 request.',
    source: 'JSON-RPC 2.0 §4',
  },
  params_invalid: {
    status: 400,
    jsonRpcCode: -32602,
    sentence: 'The parameters of the message are not valid.',
    source: 'MCP 2026-07-28 base protocol',
  },
  headers_disagree: {
    status: 400,
    jsonRpcCode: -32020,
    sentence: 'The MCP headers and the message say different things.',
    source: 'MCP 2026-07-28 Streamable HTTP',
  },
  version_unsupported: {
    status: 400,
    jsonRpcCode: -32022,
    sentence: 'This protocol version is not supported here.',
    source: 'MCP 2026-07-28 versioning',
  },
  batch_refused: {
    status: 400,
    jsonRpcCode: -32600,
    sentence:
      'Batches are taken with protocol version 2025-03-26 only: 1 to 100 messages, without initialize.',
    source: 'E14, E16, E17',
  },
  authentication_limit_reached: {
    status: 429,
    sentence: 'Too many tokens from this address were not valid. Wait for the time in Retry-After.',
    source: 'RFC 6585 §4',
  },
  caller_limit_reached: {
    status: 429,
    jsonRpcCode: 429,
    sentence: 'Too many requests. Wait for the time in Retry-After.',
    source: 'RFC 6585 §4',
  },
  rule_limit_reached: {
    status: 429,
    jsonRpcCode: 429,
    sentence: 'Too many calls of this item. Wait for the time in Retry-After.',
    source: 'RFC 6585 §4',
  },
  authentication_insufficient: {
    status: 401,
    oauthError: 'insufficient_user_authentication',
    sentence: 'This needs a login that is stronger or more recent. Log in again as the challenge asks.',
    source: 'RFC 9470 §3',
  },
  scope_missing: {
    status: 403,
    oauthError: 'insufficient_scope',
    sentence: 'Token missing required scope',
    source: 'RFC 6750 §3.1',
  },
  rule_refused: {
    // An HTTP 403 would make clients start a login that cannot help.
    status: 200,
    jsonRpcCode: 403,
    sentence: 'You may not do this, and no further scope would change that.',
    source: 'CR8',
  },
  item_hidden: {
    status: 200,
    jsonRpcCode: -32602,
    sentence: 'Unknown',
    source: 'E21',
  },
}
