import type { Variables } from '@mcp-doorman/resource-server'
import type { Guarded } from './access.ts'
import type { CallContext } from './call-context.ts'

/** The content of a resource or of a part of it: text, or bytes as base64. */
export type ResourceContents =
  | { readonly uri: string; readonly mimeType?: string; readonly text: string }
  | { readonly uri: string; readonly mimeType?: string; readonly blob: string }

/** What a read may return: the contents, or the text of the one that was asked for. `undefined`: there is none. */
export type ResourceOutput = readonly ResourceContents[] | string | undefined

/** What a list says of a resource. */
export interface ResourceDescription {
  /** Absolute, without white space and without `.` or `..` segments. */
  readonly uri: string
  readonly name: string
  readonly title?: string
  readonly description?: string
  readonly mimeType?: string
  /** Bytes. */
  readonly size?: number
  readonly annotations?: {
    readonly audience?: readonly ('user' | 'assistant')[]
    /** 0 to 1; 1 for what a model cannot do without. */
    readonly priority?: number
    /** RFC 3339. */
    readonly lastModified?: string
  }
}

interface Readable extends Guarded {
  /**
   * How long clients may keep what was read, in seconds; 0 to 86,400. Default: 0.
   *
   * What was read is always private to its caller, unless {@link Readable.sameForAll} says otherwise.
   */
  readonly ttlSeconds?: number
  /** Whether every caller reads the same, so that shared caches may keep it. Default: false. */
  readonly sameForAll?: boolean
}

/** A resource with an address of its own. */
export interface Resource extends ResourceDescription, Readable {
  readonly read: (context: CallContext) => ResourceOutput | Promise<ResourceOutput>
}

/** One page of what a template can list. */
export interface ResourcePage {
  readonly resources: readonly ResourceDescription[]
  /** Where the next page begins; absent on the last. Clients get it sealed, and cannot make one. */
  readonly nextCursor?: string
}

/** Resources whose addresses follow a pattern. */
export interface ResourceTemplate extends Readable {
  /**
   * An RFC 6570 template of literals, `{name}` (one segment: no `/`, `\\`, `?` or `#`, escaped or not) and `{+name}`
   * (anything, also nothing). Between two variables stands a literal; each takes the shortest run of characters that
   * fits. A value has one spelling in an address: whatever has another fits no template.
   */
  readonly uriTemplate: string
  readonly name: string
  readonly title?: string
  readonly description?: string
  readonly mimeType?: string
  /** Reads the resource at `uri`, which fits the template. `undefined` is answered as for an unknown resource. */
  readonly read: (
    uri: string,
    variables: Variables,
    context: CallContext,
  ) => ResourceOutput | Promise<ResourceOutput>
  /**
   * Lists what there is, a page at a time; what a caller may not see is taken out afterwards. Without it the template
   * is listed as such and its resources are not.
   *
   * @param cursor - what the page before gave as `nextCursor`; `undefined` for the first
   */
  readonly list?: (cursor: string | undefined, context: CallContext) => ResourcePage | Promise<ResourcePage>
  /** For variables: what they may be completed to, best first. See {@link Complete}. */
  readonly complete?: Readonly<Record<string, Complete>>
}

/**
 * Completes the beginning of a value. At most 100 are passed on.
 *
 * @param value - what was typed so far
 * @param others - the values of other variables or arguments, as far as they are known
 */
export type Complete = (
  value: string,
  others: Variables,
  context: CallContext,
) => readonly string[] | Promise<readonly string[]>
