import type { ScopeOption } from '@mcp-doorman/casdoor'
import type { Configuration, ServerConfiguration } from '../config/configuration.ts'
import { loadConfiguration } from '../config/load-configuration.ts'
import { UsageError } from '../failure.ts'
import { parseScopes, scopesOfFiles } from './scopes.ts'

/** A server that clients are told about. */
export interface NamedServer {
  readonly name: string
  readonly resource: string
}

/** What a doorman.yaml says of the Casdoor that its tokens come from. */
export interface ConfiguredSetup {
  readonly origin: string
  readonly application: string
  readonly scopes: readonly ScopeOption[]
  readonly servers: readonly NamedServer[]
  /** Whether rules ask for roles or groups, which tokens then have to say. */
  readonly needsRoles: boolean
}

export interface Named {
  /** The origin, where one was given beside the file. */
  readonly origin: string | undefined
  readonly application: string | undefined
  /** What people read of a scope: `NAME=WORDS; …`. */
  readonly scopes: string | undefined
}

/**
 * Reads Casdoor, application, scopes with their tools, and servers from a configuration.
 *
 * @throws {Error} when the file cannot be read or has mistakes, which are written to standard error
 * @throws {UsageError} when it names no Casdoor, or another than the words of the command do
 */
export function readConfiguredSetup(file: string, named: Named): ConfiguredSetup {
  const loaded = loadConfiguration(file)
  if (!loaded.ok) {
    process.stderr.write(loaded.problems)
    throw new Error(
      `${file} has ${loaded.count === 1 ? 'a mistake' : `${loaded.count} mistakes`}, so nothing was done.`,
    )
  }
  const { configuration } = loaded
  const { servers } = configuration
  return {
    ...findCasdoor(file, configuration, named),
    scopes: withWords(scopesOf(servers), named.scopes, file),
    servers: servers.map(({ name, resource }) => ({ name, resource })),
    needsRoles: servers.some(({ rules }) =>
      rules.some(({ require = {} }) => require.anyRole !== undefined || require.anyGroup !== undefined),
    ),
  }
}

function findCasdoor(
  file: string,
  { issuers }: Configuration,
  { origin, application }: Named,
): Pick<ConfiguredSetup, 'origin' | 'application'> {
  const casdoors = issuers
    .filter((issuer) => 'casdoor' in issuer)
    .map((issuer) => ({ ...issuer, casdoor: issuer.casdoor.replace(/\/$/, '') }))
  const listed = casdoors.map(({ casdoor }) => casdoor).join(', ')
  const found = casdoors.filter(({ casdoor }) => origin === undefined || casdoor === origin)
  const [issuer] = found
  if (issuer === undefined) {
    throw new UsageError(
      casdoors.length === 0
        ? `${file} accepts tokens of no Casdoor. Add one to its issuers: casdoor, and the name of an application.`
        : `${file} accepts tokens of ${listed}, not of ${origin}. Correct one of the two.`,
    )
  }
  if (found.length > 1) throw new UsageError(`${file} names several: ${listed}. Choose one with --url.`)
  const name = application ?? issuer.application
  if (name === undefined) {
    throw new UsageError(
      `${file} pins no application of ${issuer.casdoor}. Add its name there as "application".`,
    )
  }
  if (issuer.application !== undefined && issuer.application !== name) {
    throw new UsageError(
      `${file} pins the application ${issuer.application}, not ${name}. Correct one of the two.`,
    )
  }
  return { origin: issuer.casdoor, application: name }
}

/** Each scope once, with the tools whose rules ask for it; globs name no tool. */
function scopesOf(servers: readonly ServerConfiguration[]): readonly ScopeOption[] {
  const toolsOf = new Map<string, Set<string>>()
  for (const { scopes, rules } of servers) {
    for (const name of Object.keys(scopes)) toolsOf.set(name, toolsOf.get(name) ?? new Set())
    for (const { tools = [], require = {} } of rules) {
      const named = tools.filter((tool) => !tool.includes('*'))
      for (const scope of [...(require.scopes ?? []), ...(require.anyScope ?? [])]) {
        for (const tool of named) toolsOf.get(scope)?.add(tool)
      }
    }
  }
  return [...toolsOf].map(([name, tools]) => {
    const known = scopesOfFiles.find((scope) => scope.name === name)
    return { name, displayName: known?.displayName ?? name, tools: [...tools] }
  })
}

function withWords(
  scopes: readonly ScopeOption[],
  text: string | undefined,
  file: string,
): readonly ScopeOption[] {
  if (text === undefined) return scopes
  const words = new Map(parseScopes(text).map(({ name, displayName }) => [name, displayName]))
  const strange = [...words.keys()].filter((name) => !scopes.some((scope) => scope.name === name))
  if (strange.length > 0) {
    throw new UsageError(`--scopes: ${file} has no scope ${strange.join(', ')}. Add it there, or remove it.`)
  }
  return scopes.map((scope) => ({ ...scope, displayName: words.get(scope.name) ?? scope.displayName }))
}
