import type { Guarded } from './access.ts'
import type { CallContext } from './call-context.ts'
import type { Complete } from './resources.ts'
import type { ContentBlock } from './tools.ts'

export interface PromptMessage {
  readonly role: 'user' | 'assistant'
  readonly content: ContentBlock
}

/** What a prompt may return: messages, or the text of one message of the user. */
export type PromptOutput =
  | { readonly description?: string; readonly messages: readonly PromptMessage[] }
  | string

export interface PromptArgument {
  readonly title?: string
  readonly description?: string
  /** Default: false. */
  readonly required?: boolean
  /** What the argument may be completed to, best first. */
  readonly complete?: Complete
}

/** The arguments of a call: required ones are there. All are strings. */
export type PromptArguments = Readonly<Record<string, string>>

/** A prompt: what a client is shown, and the function that fills it in. */
export interface Prompt extends Guarded {
  /** 1 to 128 characters of `A-Z a-z 0-9 _ - .` */
  readonly name: string
  readonly title?: string
  readonly description?: string
  /** By name, in the order in which clients show them. */
  readonly arguments?: Readonly<Record<string, PromptArgument>>
  /** Called with strings only, and with no argument that is not in {@link Prompt.arguments}. */
  readonly get: (args: PromptArguments, context: CallContext) => PromptOutput | Promise<PromptOutput>
}
