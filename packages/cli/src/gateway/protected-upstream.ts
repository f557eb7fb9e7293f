import type { UpstreamOptions } from '@mcp-doorman/gateway'
import { findStrayFile, resolveWords } from '../command-words.ts'
import { present } from '../config/present.ts'
import { messageOf, UsageError } from '../failure.ts'
import { readSecret, secretReference } from '../secret-reference.ts'

/** Which server `doorman protect` is for. */
export interface UpstreamChoice {
  readonly http?: string
  readonly bearer?: string
  readonly allowPlainHttp: boolean
  readonly name?: string
  readonly shared: boolean
  readonly env: readonly string[]
  readonly workingDirectory?: string
}

/** The server behind the gate, as options and as it is written in a file. */
export interface Protected {
  readonly name: string
  readonly options: UpstreamOptions
  readonly written: Readonly<Record<string, unknown>>
}

/**
 * The server that a command line names.
 *
 * @throws {UsageError} when it names none, or two, or something that has no effect
 */
export function readUpstream(words: readonly string[], options: UpstreamChoice): Protected {
  const { http, name } = options
  if ((words.length === 0) === (http === undefined)) {
    throw new UsageError(
      http === undefined
        ? 'Nothing is named to be protected. Add -- COMMAND ARGS, or --http URL.'
        : '--http names a server by its address, and a command another. Leave out one of the two.',
    )
  }
  const read = http === undefined ? readProgram(words, options) : readAddress(http, options)
  return { ...read, name: checkedName(name ?? read.name) }
}

function readProgram(words: readonly string[], options: UpstreamChoice): Protected {
  const { shared: isShared, env, workingDirectory, bearer, allowPlainHttp } = options
  if (bearer !== undefined || allowPlainHttp) {
    const option = bearer === undefined ? '--allow-plain-http' : '--bearer'
    throw new UsageError(`${option} has no effect without --http. Remove it.`)
  }
  const folder = process.cwd()
  const stray = workingDirectory === undefined ? findStrayFile(words, folder) : undefined
  if (stray !== undefined) throw new UsageError(`${stray.message}, or add --working-directory.`)
  const [directory] = workingDirectory === undefined ? [] : resolveWords([`./${workingDirectory}`], folder)
  const command = resolveWords(words, folder)
  const values = env.map((variable) => [variable, process.env[variable]] as const)
  const absent = values.find(([, value]) => value === undefined)
  if (absent !== undefined) {
    throw new UsageError(`--env ${absent[0]}: there is no such variable here. Set it, or leave it out.`)
  }
  const environment = Object.fromEntries(values.map(([variable, value]) => [variable, value ?? '']))
  const named = Object.fromEntries(env.map((variable) => [variable, `env:${variable}`]))
  return {
    name: nameOfProgram(command),
    options: { command, environment, shared: isShared, ...present({ workingDirectory: directory }) },
    written: {
      command,
      ...(env.length > 0 && { environment: named }),
      ...(directory !== undefined && { workingDirectory: directory }),
      ...(isShared && { shared: true }),
    },
  }
}

function readAddress(
  url: string,
  { bearer, shared: isShared, env, workingDirectory, allowPlainHttp }: UpstreamChoice,
): Protected {
  if (env.length > 0 || workingDirectory !== undefined) {
    const option = env.length > 0 ? '--env' : '--working-directory'
    throw new UsageError(`${option} has no effect with --http, which starts no program. Remove it.`)
  }
  if (bearer !== undefined && !secretReference.test(bearer)) {
    throw new UsageError(
      '--bearer: write env:NAME or file:PATH, so that the secret is in no list of processes.',
    )
  }
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${secretOf(bearer)}` }
  return {
    name: URL.canParse(url) ? new URL(url).hostname.replace(/[^A-Za-z0-9-]+/g, '-') : 'server',
    options: { url, headers, shared: isShared, allowPlainHttp },
    written: {
      url,
      ...(bearer !== undefined && { bearer }),
      ...(allowPlainHttp && { allowPlainHttp }),
      ...(isShared && { shared: true }),
    },
  }
}

function secretOf(reference: string): string {
  try {
    return readSecret(reference)
  } catch (error) {
    throw new UsageError(`--bearer: ${messageOf(error)}`)
  }
}

/** What every second program is called, or its folder. */
const commonplace: ReadonlySet<string> = new Set([
  'index',
  'main',
  'server',
  'cli',
  'app',
  'mcp',
  'dist',
  'build',
  'src',
  'bin',
  'lib',
  'out',
])

/** After the script or package that a command runs: `server-everything`, `notes`. */
function nameOfProgram(command: readonly string[]): string {
  const [program = '', ...words] = command
  const script = words.find((word) => !word.startsWith('-') && /\.\w+$|\//.test(word)) ?? program
  const names = script
    .split('/')
    .map((name) => name.replace(/\.\w+$/, '').replace(/^[^A-Za-z0-9]+|[^\w-]+/g, ''))
    .filter((name) => name !== '' && !commonplace.has(name))
  return names.at(-1)?.slice(0, 64) ?? 'server'
}

/** The mistakes of an upstream's options, by the names that they have on the command line. */
export function explainUpstreamMistake(error: unknown): unknown {
  if (!(error instanceof TypeError)) return error
  return new UsageError(error.message.replaceAll('allowPlainHttp', '--allow-plain-http'))
}

function checkedName(name: string): string {
  if (/^[A-Za-z0-9][\w-]{0,63}$/.test(name)) return name
  throw new UsageError(`--name "${name}": use letters, digits, "-" and "_", at most 64.`)
}
