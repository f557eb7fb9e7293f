import * as z from 'zod'
import { wholeFile } from './schema.ts'

/** A part of a JSON Schema, as far as it is looked at here. */
export interface SchemaPart {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, SchemaPart>>
  readonly required?: readonly string[]
  readonly additionalProperties?: SchemaPart | boolean
  readonly items?: SchemaPart
  readonly anyOf?: readonly SchemaPart[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
}

/** The JSON Schema (draft 2020-12) of doorman.yaml, for editors. It knows the form; `doorman config check` knows more. */
export function configurationSchema(): SchemaPart {
  // What comes out is a schema of objects, which has these members.
  const schema = z.toJSONSchema(wholeFile, { io: 'input' }) as SchemaPart
  return { title: 'doorman.yaml', ...schema } as SchemaPart
}

/** The description of the field at a path; `*` stands for any name or place. */
export function describeField(schema: SchemaPart, path: string): string {
  const field = path
    .split('.')
    .reduce<readonly SchemaPart[]>((parts, step) => parts.flatMap((part) => stepInto(part, step)), [schema])
  const description = field.find((part) => part.description !== undefined)?.description
  if (description === undefined) throw new Error(`There is no field ${path}.`)
  return description
}

function stepInto(part: SchemaPart, step: string): readonly SchemaPart[] {
  if (part.anyOf !== undefined) return part.anyOf.flatMap((kind) => stepInto(kind, step))
  const { properties, additionalProperties, items } = part
  if (step !== '*') return properties?.[step] === undefined ? [] : [properties[step]]
  return [items, additionalProperties].filter((inner) => typeof inner === 'object')
}
