import { UsageError } from '../failure.ts'
import { settlePublicUrl } from '../public-url.ts'
import { quoteForShell } from '../shell-words.ts'
import { readConfiguredSetup } from './from-configuration.ts'
import { readOrigin } from './reach.ts'
import { parseScopes, scopesOfFiles } from './scopes.ts'
import type { SetupRequest } from './setup.ts'

/** What is to be set up, as the command or a file names it. */
export type Target = Pick<SetupRequest, 'origin' | 'application' | 'scopes' | 'roles' | 'servers' | 'command'>

/** The words of the command that name it. */
export interface TargetWords {
  readonly url?: string
  readonly application?: string
  readonly resource?: string
  readonly config?: string
  readonly scopes?: string
  readonly roles: boolean
}

/**
 * Settles what is to be set up.
 *
 * @returns it, and what the operator should be told about how it came to be
 * @throws {UsageError} when something is missing, or contradicts the file
 */
export function readTarget(words: TargetWords): {
  readonly target: Target
  readonly notice: string | undefined
} {
  if (words.config === undefined) return readNamed(words)
  return { target: readConfigured(words, words.config), notice: undefined }
}

/** One files server. */
function readNamed({
  url,
  application,
  resource: given,
  scopes,
  roles,
}: TargetWords): ReturnType<typeof readTarget> {
  if (url === undefined || application === undefined || given === undefined) {
    const missing = [
      url === undefined && '--url',
      application === undefined && '--application',
      given === undefined && '--resource',
    ].filter((option) => option !== false)
    throw new UsageError(`${missing.join(', ')}: must be given, unless --config names a doorman.yaml.`)
  }
  const origin = readOrigin('--url', url)
  const { resource, notice } = settlePublicUrl(given, '127.0.0.1', 0, '--resource')
  const command = [
    'doorman files DIR',
    `--casdoor ${quoteForShell(origin)}`,
    `--casdoor-application ${quoteForShell(application)}`,
    `--public-url ${quoteForShell(resource)}`,
  ].join(' ')
  const target = {
    origin,
    application,
    scopes: scopes === undefined ? scopesOfFiles : parseScopes(scopes),
    roles,
    servers: [{ name: 'files', resource }],
    command,
  }
  return { target, notice }
}

/** As many servers as the file has. */
function readConfigured({ url, application, resource, scopes, roles }: TargetWords, file: string): Target {
  const configured = readConfiguredSetup(file, {
    origin: url === undefined ? undefined : readOrigin('--url', url),
    application,
    scopes,
  })
  const known = configured.servers.map((server) => server.resource)
  if (resource !== undefined && !known.includes(resource)) {
    throw new UsageError(`--resource: ${file} serves ${known.join(', ')}. Correct one of the two.`)
  }
  return {
    ...configured,
    origin: readOrigin(file, configured.origin),
    roles: roles || configured.needsRoles,
    command: `doorman gateway --config ${quoteForShell(file)}`,
  }
}
