import {
  isPlainUri,
  parseUriTemplate,
  type Item,
  type Rule,
  type UriTemplate,
  type Variables,
} from '@mcp-doorman/resource-server'
import { hidingRule, ruleOf } from '../access.ts'
import type { Runnable } from '../calls/run-call.ts'
import type { Cacheable } from '../outcome.ts'
import type {
  Complete,
  Resource,
  ResourceDescription,
  ResourceContents,
  ResourceOutput,
  ResourcePage,
  ResourceTemplate,
} from '../resources.ts'
import type { Listed } from './item-list.ts'

/** What is read: the address, and what a template's variables stand for in it. */
export interface Address {
  readonly uri: string
  readonly variables: Variables
}

export interface Readable extends Cacheable {
  /** Gives the result as text, or `undefined` when there is nothing at the address. */
  readonly runnable: Runnable<Address, ResourceOutput, string | undefined>
}

export interface TemplateEntry extends Readable, Listed {
  readonly template: UriTemplate
  readonly list: Runnable<string | undefined, ResourcePage, ResourcePage> | undefined
  readonly completers: ReadonlyMap<string, Complete>
}

export interface ResourceTable {
  readonly resources: readonly Listed[]
  readonly templates: readonly TemplateEntry[]
  /** What stands at an address: a resource of that address, else the first template that it fits. */
  readonly find: (uri: string) => { readonly readable: Readable; readonly address: Address } | undefined
  readonly findTemplate: (uriTemplate: string) => TemplateEntry | undefined
  readonly rules: readonly Rule[]
}

const noVariables: Variables = Object.freeze({})

/** @param problems - receives everything that cannot be offered, and why; the result must then not be used */
export function createResourceTable(
  resources: readonly Resource[],
  templates: readonly ResourceTemplate[],
  problems: string[],
): ResourceTable {
  const fixed = new Map<string, Listed & { readonly readable: Readable }>()
  for (const resource of resources) {
    const { uri } = resource
    if (!isPlainUri(uri) || uri.includes('*')) {
      problems.push(
        `resource "${uri}": is no absolute URI without white space, "*", and "." or ".." segments`,
      )
    }
    if (fixed.has(uri)) problems.push(`resource "${uri}": there are two resources of that address`)
    if (typeof resource.read !== 'function') problems.push(`resource "${uri}".read: must be a function`)
    checkTtl(`resource "${uri}"`, resource.ttlSeconds, problems)
    fixed.set(uri, compileResource(resource))
  }
  const patterned = new Map<string, TemplateEntry>()
  for (const template of templates) {
    const { uriTemplate } = template
    const place = `template "${uriTemplate}"`
    const parsed = parseUriTemplate(uriTemplate)
    if (patterned.has(uriTemplate)) problems.push(`${place}: there are two of them`)
    if (typeof template.read !== 'function') problems.push(`${place}.read: must be a function`)
    checkTtl(place, template.ttlSeconds, problems)
    if (typeof parsed === 'string') {
      problems.push(`${place}: ${parsed}`)
      continue
    }
    for (const name of Object.keys(template.complete ?? {})) {
      if (!parsed.variables.includes(name)) problems.push(`${place}.complete: it has no variable "${name}"`)
    }
    patterned.set(uriTemplate, compileTemplate(template, parsed))
  }
  const entries = [...patterned.values()]

  return {
    resources: [...fixed.values()],
    templates: entries,
    find: (uri) => {
      const readable = fixed.get(uri)?.readable
      if (readable !== undefined) return { readable, address: { uri, variables: noVariables } }
      for (const entry of entries) {
        const variables = entry.template.match(uri)
        if (variables !== undefined) return { readable: entry, address: { uri, variables } }
      }
      return undefined
    },
    findTemplate: (uriTemplate) => patterned.get(uriTemplate),
    rules: rulesOf(resources, templates),
  }
}

/**
 * In the order in which `find` looks, and by the same templates: so each address is judged by the rule of what is read.
 */
function rulesOf(resources: readonly Resource[], templates: readonly ResourceTemplate[]): readonly Rule[] {
  const guarded = [
    ...resources.map(({ uri, access }) => ({ name: uri, access })),
    ...templates.map(({ uriTemplate, access }) => ({ name: uriTemplate, access })),
  ]
  // Whoever writes all rules apart from the definitions has none of ours in the way.
  if (guarded.every(({ access }) => access === undefined)) return []
  return guarded.map(({ name, access }) =>
    access === undefined ? hidingRule('resource', name) : ruleOf('resource', name, access),
  )
}

function compileResource(resource: Resource): Listed & { readonly readable: Readable } {
  const { uri, mimeType, read } = resource
  const item: Item = Object.freeze({ kind: 'resource', name: uri })
  return {
    item,
    text: JSON.stringify(describe(resource)),
    readable: {
      ...cacheable(resource),
      runnable: {
        item,
        timeoutSeconds: undefined,
        run: (_, context) => read.call(resource, context),
        finish: (output, address) => writeContents(output, address, mimeType),
      },
    },
  }
}

function compileTemplate(template: ResourceTemplate, parsed: UriTemplate): TemplateEntry {
  const { uriTemplate, name, title, description, mimeType, read, list } = template
  const item: Item = Object.freeze({ kind: 'resource', name: uriTemplate })
  return {
    item,
    text: JSON.stringify({ uriTemplate, name, title, description, mimeType }),
    template: parsed,
    ...cacheable(template),
    runnable: {
      item,
      timeoutSeconds: undefined,
      run: ({ uri, variables }, context) => read.call(template, uri, variables, context),
      finish: (output, address) => writeContents(output, address, mimeType),
    },
    list:
      list === undefined
        ? undefined
        : {
            item,
            timeoutSeconds: undefined,
            run: (cursor, context) => list.call(template, cursor, context),
            finish: readPage,
          },
    completers: new Map(Object.entries(template.complete ?? {})),
  }
}

function cacheable({
  ttlSeconds = 0,
  sameForAll = false,
}: Pick<Resource, 'ttlSeconds' | 'sameForAll'>): Cacheable {
  return { ttlMs: Math.round(ttlSeconds * 1000), cacheScope: sameForAll ? 'public' : 'private' }
}

function checkTtl(place: string, ttlSeconds: number | undefined, problems: string[]): void {
  if (ttlSeconds !== undefined && !(ttlSeconds >= 0 && ttlSeconds <= 86_400)) {
    problems.push(`${place}.ttlSeconds: must be 0 to 86400, and is ${ttlSeconds}.`)
  }
}

function writeContents(
  output: ResourceOutput,
  { uri }: Address,
  mimeType: string | undefined,
): string | undefined {
  if (output === undefined) return undefined
  const contents: readonly ResourceContents[] =
    typeof output === 'string' ? [{ uri, ...(mimeType !== undefined && { mimeType }), text: output }] : output
  if (!Array.isArray(contents)) throw new TypeError('The result is neither text nor a list of contents.')
  // An empty list would say that the resource is there and has nothing in it (requirement G62).
  return contents.length === 0 ? undefined : `{"contents":${JSON.stringify(contents)}}`
}

/** What a list may show of a resource, and nothing else that an author has hung on it. */
function describe({
  uri,
  name,
  title,
  description,
  mimeType,
  size,
  annotations,
}: ResourceDescription): ResourceDescription {
  return {
    uri,
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(mimeType !== undefined && { mimeType }),
    ...(size !== undefined && { size }),
    ...(annotations !== undefined && { annotations }),
  }
}

function readPage(page: ResourcePage): ResourcePage {
  // A template in plain JavaScript may return anything.
  const { resources, nextCursor } = (page ?? {}) as Partial<ResourcePage>
  if (!Array.isArray(resources)) throw new TypeError('The page has no "resources" that is a list.')
  const described = (resources as readonly ResourceDescription[]).map(describe)
  // Databases say null for what is not there.
  if (nextCursor === undefined || nextCursor === null) return { resources: described }
  if (typeof nextCursor !== 'string') throw new TypeError('"nextCursor" is no string.')
  return { resources: described, nextCursor }
}
