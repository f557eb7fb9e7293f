import { dirname, resolve } from 'node:path'
import type * as z from 'zod'
import { resolveWords } from '../command-words.ts'
import { filesAccess } from '../files-access.ts'
import { checkConfiguration, type ReadServer } from './check-configuration.ts'
import type {
  Behind,
  Configuration,
  IssuerConfiguration,
  RuleConfiguration,
  ServerConfiguration,
} from './configuration.ts'
import { problemsOf } from './issues.ts'
import { explainStrays, kindOf } from './kinds.ts'
import { readOrigin } from './public-origin.ts'
import { deepFreeze } from './present.ts'
import { formatPath, formatProblems, type Path, type Problem } from './problems.ts'
import { issuerKinds, outline, serverKinds } from './schema.ts'
import { readYaml } from './yaml-text.ts'

/** A configuration, or everything that is wrong with it. */
export type Reading =
  | { readonly ok: true; readonly configuration: Configuration; readonly locate: Locate }
  | { readonly ok: false; readonly problems: string; readonly count: number }

/** The lines that tell of problems found later, as `FILE:LINE:COLUMN  PATH: MESSAGE`. */
export type Locate = (problems: readonly Problem[]) => string

/**
 * Reads a configuration from the text of a file. Opens nothing, connects to nothing, never throws.
 *
 * Everything that is wrong is told at once, in the order of the file. What has no effect is wrong, too.
 *
 * @param file - its absolute path: relative paths in it start from its folder
 * @param shownAs - how messages name the file
 */
export function readConfiguration(text: string, file: string, shownAs: string = file): Reading {
  const yaml = readYaml(text)
  if (yaml.problems.length > 0) {
    return { ok: false, problems: formatProblems(shownAs, yaml.problems), count: yaml.problems.length }
  }
  const locate: Locate = (problems) =>
    formatProblems(
      shownAs,
      problems.map((problem) => {
        const { path, message } = problem
        return {
          ...yaml.locate(problem),
          message: path.length === 0 ? `The file ${message}` : `${formatPath(path)}: ${message}`,
        }
      }),
    )
  const problems: Problem[] = []
  const configuration = build(yaml.value, dirname(file), problems)
  if (configuration === undefined || problems.length > 0) {
    return { ok: false, problems: locate(problems), count: problems.length }
  }
  return { ok: true, configuration: deepFreeze(configuration), locate }
}

/** What can be built of it, so that mistakes of one part do not keep those of others from being found. */
function build(value: unknown, folder: string, problems: Problem[]): Configuration | undefined {
  if (value === null) {
    problems.push({
      path: [],
      message: 'is empty. "doorman config init" writes one to begin with.',
    })
    return undefined
  }
  const parsed = outline.safeParse(value)
  if (!parsed.success) problems.push(...problemsOf(parsed.error, value))
  const issuers = membersOf(value, 'issuers', Array.isArray).flatMap(([index, issuer]) =>
    readIssuer(issuer, ['issuers', Number(index)], problems),
  )
  const { publicUrl, listen = {}, state, audit, limit, clockTolerance, dpop } = parsed.data ?? {}
  const { host = '127.0.0.1', port = 8080 } = listen
  const origin = readOrigin(publicUrl, host, port)
  if (!origin.ok) problems.push({ path: ['publicUrl'], message: origin.message })
  const servers = membersOf(value, 'servers', (members) => !Array.isArray(members)).flatMap(
    ([name, server]) => readServer(name, server, { origin: origin.url, folder }, problems),
  )
  const absolute = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(folder, path)
  const configuration: Configuration = {
    origin: origin.url,
    listen: {
      host,
      port,
      allowedHosts: listen.allowedHosts ?? [],
      allowedOrigins: listen.allowedOrigins ?? [],
    },
    state: absolute(state),
    audit: absolute(audit),
    limit: limit ?? { count: 600, perSeconds: 60 },
    clockToleranceSeconds: clockTolerance ?? 30,
    dpop,
    issuers,
    servers: servers.map(({ server }) => server),
  }
  problems.push(...checkConfiguration(configuration, servers))
  return configuration
}

function readIssuer(value: unknown, path: Path, problems: Problem[]): readonly IssuerConfiguration[] {
  const kind = kindOf(value, issuerKinds, path, problems)
  if (kind === undefined) return []
  const parsed = issuerKinds[kind].safeParse(value)
  if (parsed.success) return [parsed.data]
  problems.push(...explainStrays(problemsOf(parsed.error, value, path), issuerKinds, kind))
  return []
}

interface ServerPlace {
  readonly origin: string
  /** Of the file: relative paths start there. */
  readonly folder: string
}

function readServer(
  name: string,
  value: unknown,
  place: ServerPlace,
  problems: Problem[],
): readonly ReadServer[] {
  const path = ['servers', name]
  const kind = kindOf(value, serverKinds, path, problems)
  if (kind === undefined) return []
  const parsed = serverKinds[kind].safeParse(value)
  if (parsed.success) return [{ server: serverOf(name, parsed.data, place), leftOut: new Set() }]
  const found = explainStrays(problemsOf(parsed.error, value, path), serverKinds, kind)
  problems.push(...found)
  const leftOut = new Set(found.map((problem) => String(problem.path[path.length])))
  const rest = serverKinds[kind].safeParse({ ...stands[kind], ...without(value, leftOut) })
  return rest.success ? [{ server: serverOf(name, rest.data, place), leftOut }] : []
}

/** In the place of fields that every server must have, and that have told their mistake. */
const stands = {
  command: { path: '/stands-for-another', command: ['true'] },
  url: { path: '/stands-for-another', url: 'https://stands-for-another.invalid' },
  files: { path: '/stands-for-another', files: '.' },
} as const

function without(value: unknown, names: ReadonlySet<string>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(Object(value)).filter(([name]) => !names.has(name)))
}

function serverOf(name: string, data: ServerData, { origin, folder }: ServerPlace): ServerConfiguration {
  const { scopes, challenge, rules } = accessOf(data)
  return {
    name,
    title: data.title ?? name,
    resource: origin + data.path,
    path: data.path,
    plainForm: data.plainForm ?? true,
    scopes,
    challenge,
    rules: rules.map(({ id, ...rule }, index) => ({ id: `${name}.${id ?? `rules[${index}]`}`, ...rule })),
    expect: data.expect ?? [],
    behind: behindOf(data, folder),
  }
}

type ServerData = z.output<(typeof serverKinds)[keyof typeof serverKinds]>

interface Access extends Pick<ServerConfiguration, 'scopes' | 'challenge'> {
  readonly rules: readonly (Omit<RuleConfiguration, 'id'> & { readonly id?: string | undefined })[]
}

/** Who may use what; files have rules of their own for what the file does not say. */
function accessOf(data: ServerData): Access {
  const { scopes, challenge = [], rules = [] } = data
  if (!('files' in data)) return { scopes: scopes ?? {}, challenge, rules }
  const usual = filesAccess(data.readOnly ?? false)
  if (data.rules === undefined && scopes === undefined) {
    return { ...usual, challenge: data.challenge ?? usual.challenge }
  }
  if (scopes !== undefined) return { scopes, challenge, rules }
  const asked = new Set(
    rules.flatMap(({ require }) => [...(require?.scopes ?? []), ...(require?.anyScope ?? [])]),
  )
  const own = Object.entries(usual.scopes).filter(([name]) => asked.has(name))
  return { scopes: Object.fromEntries(own), challenge, rules }
}

function behindOf(data: ServerData, folder: string): Behind {
  if ('command' in data) {
    const { command, environment, workingDirectory, shared, sessions, limits } = data
    return {
      kind: 'command',
      command: resolveWords(command, folder),
      environment,
      workingDirectory: workingDirectory === undefined ? undefined : resolve(folder, workingDirectory),
      shared,
      sessions,
      limits,
    }
  }
  if ('url' in data) {
    const { url, bearer, headers, allowPlainHttp, shared, sessions, limits } = data
    return { kind: 'url', url, bearer, headers, allowPlainHttp, shared, sessions, limits }
  }
  const { files, perUser, readOnly, deny, quota, quotaFiles, skeleton, allowWeakOpener } = data
  return {
    kind: 'files',
    files: resolve(folder, files),
    perUser,
    readOnly,
    deny,
    quota,
    quotaFiles,
    skeleton: skeleton === undefined ? undefined : resolve(folder, skeleton),
    allowWeakOpener,
  }
}

function membersOf(
  value: unknown,
  name: string,
  isOfKind: (members: object) => boolean,
): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return []
  const members = (value as Readonly<Record<string, unknown>>)[name] // Object.hasOwn has seen it.
  return typeof members === 'object' && members !== null && isOfKind(members) ? Object.entries(members) : []
}
