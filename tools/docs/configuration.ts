/** The page and the JSON Schema of doorman.yaml, from the schema that the command checks the file by. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configurationSchema, type SchemaPart } from '../../packages/cli/src/config/json-schema.ts'

const introduction = readFileSync(join(import.meta.dirname, 'configuration-introduction.md'), 'utf8')

/** Writes both into the folder of the reference. */
export function writeConfigurationReference(folder: string): void {
  const schema = configurationSchema()
  writeFileSync(join(folder, 'doorman.schema.json'), `${JSON.stringify(schema, undefined, 2)}\n`)
  writeFileSync(join(folder, 'doorman-yaml.md'), formatPage(schema))
}

function formatPage(schema: SchemaPart): string {
  const issuers = kindsOf(schema.properties?.['issuers']?.items)
  const servers = kindsOf(schema.properties?.['servers']?.additionalProperties)
  const [server] = servers.kinds
  const rule = server?.properties?.['rules']?.items
  const tables = [
    table('The file', schema),
    table('listen', schema.properties?.['listen']),
    table('dpop', schema.properties?.['dpop']),
    table('issuers: each', { properties: issuers.common }),
    ...issuers.own.map(([name, part]) => table(`issuers: with \`${name}\``, part)),
    table('introspection', issuers.kinds[0]?.properties?.['introspection']),
    table('servers: each', { properties: servers.common, required: ['path'] }),
    ...servers.own.map(([name, part]) => table(`servers: with \`${name}\``, part)),
    table('scopes: each', objectIn(server?.properties?.['scopes']?.additionalProperties)),
    table('rules: each', rule),
    table('require', rule?.properties?.['require']),
    table('authentication', rule?.properties?.['require']?.properties?.['authentication']),
    table('expect: each', server?.properties?.['expect']?.items),
  ]
  return [introduction, ...tables].join('\n')
}

interface Kinds {
  readonly kinds: readonly SchemaPart[]
  /** What all of them have. */
  readonly common: Readonly<Record<string, SchemaPart>>
  /** What one of them has, by the field that makes it that kind. */
  readonly own: readonly (readonly [string, SchemaPart])[]
}

function kindsOf(part: SchemaPart | boolean | undefined): Kinds {
  const kinds = objectIn(part)?.anyOf ?? []
  const isCommon = (name: string): boolean =>
    kinds.every(
      (kind) => describe(kind, name) !== undefined && describe(kind, name) === describe(kinds[0], name),
    )
  const only = (properties: SchemaPart['properties'], wanted: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(properties ?? {}).filter(([name]) => wanted(name)))
  return {
    kinds,
    common: only(kinds[0]?.properties, isCommon),
    own: kinds.map((kind) => {
      const [name = ''] = (kind.required ?? []).filter((field) => !isCommon(field))
      return [name, { ...kind, properties: only(kind.properties, (field) => !isCommon(field)) }] as const
    }),
  }
}

function describe(kind: SchemaPart | undefined, name: string): string | undefined {
  return kind?.properties?.[name]?.description
}

function objectIn(part: SchemaPart | boolean | undefined): SchemaPart | undefined {
  return typeof part === 'object' ? part : undefined
}

function table(title: string, part: SchemaPart | undefined): string {
  if (part?.properties === undefined) throw new Error(`There is nothing to say of ${title}.`)
  const rows = Object.entries(part.properties).map(([name, field]) => {
    const must = part.required?.includes(name) === true ? ' (required)' : ''
    return `| \`${name}\`${must} | ${valueOf(field)} | ${(field.description ?? '').replaceAll('|', '\\|')} |`
  })
  const anchor = title
    .replace(/[^a-z]+/gi, '-')
    .toLowerCase()
    .replace(/^-|-$/g, '')
  return `<a id="${anchor}"></a>\n\n## ${title}\n\n| Field | Value | Meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`
}

function valueOf(field: SchemaPart): string {
  if (field.const !== undefined) return `\`${nameOf(field.const)}\``
  if (field.enum !== undefined) return field.enum.map((value) => `\`${nameOf(value)}\``).join(', ')
  if (field.anyOf !== undefined) return field.anyOf.map(valueOf).join(', or ')
  if (field.type === 'array') return `list of ${plurals[field.items?.type ?? 'object'] ?? 'values'}`
  if (field.type === 'object' && typeof field.additionalProperties === 'object') {
    return `names with ${plurals[field.additionalProperties.type ?? 'object'] ?? 'values'}`
  }
  return words[field.type ?? ''] ?? 'anything'
}

function nameOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: '`true` or `false`',
  integer: 'whole number',
  number: 'number',
  object: 'section',
}
const plurals: Readonly<Record<string, string>> = { string: 'texts', object: 'sections' }
