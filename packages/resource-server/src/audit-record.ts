import type { DenialCode } from './denials.ts'

/** What a message asked for, and what the policy said of it. */
export interface JudgedMessage {
  /** `(response)` for an answer to the server; `(stream)` and `(end of session)` for requests without a message. */
  readonly method?: string
  readonly item?: 'tool' | 'resource' | 'prompt'
  /** The tool's or prompt's name, cut to 64 characters, or to 16 where no rule names it. */
  readonly name?: string
  /** The resource's URI, where the options ask for it. */
  readonly uri?: string
  /** The rule that was judged. */
  readonly rule?: string
  /** Scopes of the operation. */
  readonly required?: readonly string[]
  /** Those of them that the token lacks. */
  readonly missing?: readonly string[]
  /** The requirement that was not met, and that no scope can mend. */
  readonly unmet?: string
}

/** One decision. What is not known, or does not apply, is left out. */
export interface DecisionRecord extends JudgedMessage {
  readonly kind: 'decision'
  /** When, in ISO 8601 and UTC. */
  readonly time: string
  /** Names the decision; refusals tell it to their caller in `Doorman-Decision`. */
  readonly id: string
  readonly outcome: 'allow' | 'challenge' | 'refuse' | 'hide' | 'deny'
  /** Why not. Permanent names. */
  readonly code?: DenialCode
  /** The HTTP status of a refusal. */
  readonly status?: number
  /** More of why not, for operators. */
  readonly detail?: string
  readonly issuer?: string
  readonly subject?: string
  /** The OAuth client. */
  readonly client?: string
  /** `jti`, or the beginning of the token's hash. */
  readonly token?: string
  /** Scopes that the token has. */
  readonly granted?: readonly string[]
  readonly era?: 'modern' | 'legacy'
  /** For a batch, its messages in order; then nothing of them stands outside. */
  readonly batch?: readonly (JudgedMessage & {
    readonly outcome?: 'allow' | 'challenge' | 'refuse' | 'hide'
  })[]
  /** The peer's address. */
  readonly address?: string
}

/** How a granted request ended. */
export interface OutcomeRecord {
  readonly kind: 'outcome'
  readonly time: string
  /** The {@link DecisionRecord.id} of its decision. */
  readonly decision: string
  /** HTTP status; 0 where the transport has none. */
  readonly status: number
  readonly result: 'ok' | 'tool_error' | 'error' | 'cancelled'
  /** How long it took, in milliseconds. */
  readonly milliseconds: number
}

/** A line of an audit log that {@link AuditSink.write} was given, parsed. */
export type AuditRecord = DecisionRecord | OutcomeRecord
