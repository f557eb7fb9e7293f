import type { JsonSchema } from './json-schema.ts'

/**
 * A schema of a library (Zod, Valibot, ArkType, …) that follows Standard Schema and can write itself as JSON Schema.
 * Only the parts that are used here.
 *
 * @see https://standardschema.dev
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly jsonSchema: {
      readonly input: (options: { readonly target: 'draft-2020-12' }) => JsonSchema
      readonly output: (options: { readonly target: 'draft-2020-12' }) => JsonSchema
    }
    /** Never read: it carries the type. */
    readonly types?: { readonly output: Output } | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** A schema as data, or one of a library. */
export type Schema = JsonSchema | StandardSchema

const target = { target: 'draft-2020-12' } as const

export function isStandardSchema(schema: Schema): schema is StandardSchema {
  // Libraries make functions as well as objects; from plain JavaScript anything may come.
  const kind = typeof schema
  return (kind === 'object' || kind === 'function') && schema !== null && '~standard' in schema
}

/**
 * A schema as JSON Schema: what comes in, or what goes out.
 *
 * @throws {Error} what the library throws for something that JSON Schema cannot say, or when it cannot write it at all
 */
export function toJsonSchema(schema: Schema, side: 'input' | 'output'): JsonSchema {
  if (!isStandardSchema(schema)) return schema
  const { jsonSchema } = schema['~standard'] as Partial<StandardSchema['~standard']>
  if (jsonSchema === undefined) {
    throw new TypeError(
      'this version of its library cannot write it as JSON Schema; write the JSON Schema instead',
    )
  }
  return jsonSchema[side](target)
}

/** What a schema found, in sentences that a model can act on. */
export function describeIssues(issues: readonly StandardIssue[], root: string): string {
  return issues
    .map(({ message, path = [] }) => {
      const place = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('/')
      return `${root}${place === '' ? '' : `/${place.slice(0, 128)}`} ${message.slice(0, 256)}`
    })
    .join('; ')
}
