import type { JsonSchema, ValueOf } from './json-schema.ts'

/** What can be asked of a client, as MCP writes it. Made by {@link elicit}, {@link sample} and {@link listRoots}. */
export interface InputRequest<Answer = unknown> {
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
  readonly params: Readonly<Record<string, unknown>>
  /** Never there: it carries the type of the answer. */
  readonly answer?: Answer
}

export type InputRequests = Readonly<Record<string, InputRequest>>

export type Answers<Requests extends InputRequests> = {
  readonly [Name in keyof Requests]: Requests[Name] extends InputRequest<infer Answer> ? Answer : never
}

/** What a person answered: the content only if they accepted. */
export type Elicited<Content> =
  | { readonly action: 'accept'; readonly content: Content }
  | { readonly action: 'decline' | 'cancel' }

/** What a model answered. */
export interface Sampled {
  readonly role: 'user' | 'assistant'
  readonly content: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[]
  readonly model: string
  readonly stopReason?: string
}

/** The directories and files that the client offers to work on. */
export interface Roots {
  readonly roots: readonly { readonly uri: string; readonly name?: string }[]
}

/** What is asked of the client's model: `CreateMessageRequestParams` of MCP. */
export interface SamplingParams {
  readonly messages: readonly Readonly<Record<string, unknown>>[]
  readonly maxTokens: number
  readonly systemPrompt?: string
  readonly temperature?: number
  readonly stopSequences?: readonly string[]
  readonly modelPreferences?: Readonly<Record<string, unknown>>
}

/**
 * Asks the person for values of a flat form.
 *
 * The answer's content has passed `schema`. Never ask for passwords, keys or tokens in a form: send the person to a
 * page with {@link elicitByUrl}.
 *
 * @param schema - an object schema whose properties are strings, numbers, booleans or choices of strings
 */
export function elicit<const Schema extends JsonSchema>(
  message: string,
  schema: Schema,
): InputRequest<Elicited<ValueOf<Schema>>> {
  return { method: 'elicitation/create', params: { message, requestedSchema: schema } }
}

/**
 * Sends the person to a page. What they do there does not come through the client; `accept` says only that they went.
 *
 * @param id - names this request, for the page to tell the server that it is done
 */
export function elicitByUrl(message: string, url: string, id: string): InputRequest<Elicited<undefined>> {
  return { method: 'elicitation/create', params: { mode: 'url', message, url, elicitationId: id } }
}

/** Asks the client's model. The person may see and change both the request and what comes back. */
export function sample(params: SamplingParams): InputRequest<Sampled> {
  return { method: 'sampling/createMessage', params: { ...params } }
}

export function listRoots(): InputRequest<Roots> {
  return { method: 'roots/list', params: {} }
}
