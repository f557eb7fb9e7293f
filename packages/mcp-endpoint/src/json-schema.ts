/** A JSON Schema (2020-12) as data. */
export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * The type of what a schema accepts, as far as its types, properties, choices and constants say. What it says by
 * other words (`pattern`, `if`, `$ref`, …) is checked at run time and not seen here.
 */
export type ValueOf<Schema> = Schema extends { readonly const: infer Value }
  ? Value
  : Schema extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : Schema extends { readonly anyOf: readonly (infer Branch)[] }
      ? ValueOf<Branch>
      : Schema extends { readonly oneOf: readonly (infer Branch)[] }
        ? ValueOf<Branch>
        : Schema extends { readonly type: readonly (infer Name)[] }
          ? Name extends unknown
            ? OfType<Name, Schema>
            : never
          : Schema extends { readonly type: infer Name }
            ? OfType<Name, Schema>
            : unknown

type OfType<Name, Schema> = Name extends 'string'
  ? string
  : Name extends 'integer' | 'number'
    ? number
    : Name extends 'boolean'
      ? boolean
      : Name extends 'null'
        ? null
        : Name extends 'array'
          ? readonly ValueOf<Schema extends { readonly items: infer Items } ? Items : unknown>[]
          : Name extends 'object'
            ? ObjectOf<Schema>
            : unknown

type ObjectOf<Schema> = Schema extends { readonly properties: infer Properties }
  ? Flat<
      {
        readonly [Name in keyof Properties as Name extends RequiredOf<Schema> ? Name : never]: ValueOf<
          Properties[Name]
        >
      } & {
        readonly [Name in keyof Properties as Name extends RequiredOf<Schema> ? never : Name]?:
          | ValueOf<Properties[Name]>
          | undefined
      }
    >
  : Readonly<Record<string, unknown>>

type RequiredOf<Schema> = Schema extends { readonly required: readonly (infer Name)[] } ? Name : never

/** An intersection as editors should show it: one object. */
type Flat<Type> = { [Name in keyof Type]: Type[Name] }
