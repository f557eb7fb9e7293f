import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { JsonSchema } from '../json-schema.ts'

/** Compiles the schemas of one table, and remembers none when it is replaced. */
export interface SchemaCompiler {
  /** `undefined` when the schema cannot be used; why is then among the problems. */
  readonly compile: (schema: JsonSchema, place: string) => ValidateFunction | undefined
}

/**
 * @param problems - receives what is wrong with a schema; also a reference out of it, since nothing is ever fetched
 *   (requirement G26)
 */
export function createSchemaCompiler(problems: string[]): SchemaCompiler {
  // Unknown words are mistakes of the author's; the order in which a schema says things is a matter of taste.
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allowUnionTypes: true,
    validateFormats: false,
  })
  // The second is a word of the standard, which ajv resolves and does not list.
  ajv.addVocabulary(['x-mcp-header', '$anchor'])
  return {
    compile: (schema, place) => {
      if (schema['type'] !== 'object') {
        problems.push(`${place}: must be a JSON Schema with "type": "object"`)
        return undefined
      }
      const unmet = requiredInVain(schema)
      if (unmet !== undefined) problems.push(`${place}: requires "${unmet}", which it does not describe`)
      try {
        return ajv.compile(schema)
      } catch (error) {
        problems.push(`${place}: ${error instanceof Error ? error.message : String(error)}`)
        return undefined
      }
    },
  }
}

/** A member that must be there and that nothing describes, most likely for a slip of the pen. */
function requiredInVain(schema: JsonSchema): string | undefined {
  const { required, properties = {} } = schema
  if (!Array.isArray(required) || elsewhere.some((word) => schema[word] !== undefined)) return undefined
  return required.find(
    (name: unknown) => typeof name === 'string' && !Object.hasOwn(Object(properties), name),
  ) as string | undefined
}

// Words by which a schema may describe members in other places.
const elsewhere = ['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'patternProperties', 'dependentSchemas']

/** What a schema found, in sentences that a model can act on. */
export function describeErrors(errors: readonly ErrorObject[], root: string): string {
  return errors
    .map(({ instancePath, message, params }) => {
      const unknown =
        'additionalProperty' in params ? ` (${shorten(JSON.stringify(params['additionalProperty']))})` : ''
      return `${root}${shorten(instancePath)} ${message ?? 'is not valid'}${unknown}`
    })
    .join('; ')
}

/** The caller chose the names in its arguments, and may have chosen them as long as a whole message. */
function shorten(text: string): string {
  return text.length > 128 ? `${text.slice(0, 128)}…` : text
}
