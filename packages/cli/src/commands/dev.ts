import { resolve } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import {
  casdoorApplication,
  startDevelopmentIssuer,
  type DevelopmentIssuer,
  type DevelopmentUser,
  type Like,
  likes,
} from '@mcp-doorman/development-issuer'
import type { IssuerOptions, Rate } from '@mcp-doorman/resource-server'
import { explainListenError, UsageError } from '../failure.ts'
import { startFilesService } from '../files-service.ts'
import { keepOutside } from '../keep-outside.ts'
import { formatNextSteps } from '../next-steps.ts'
import { makeSampleFolder } from '../sample-folder.ts'
import { readPort, shared } from '../option-table.ts'
import { addRootOptions, rootOptionsOf, type RootOptions } from '../root-options.ts'
import { closeAll, waitForSignal } from '../shutdown.ts'
import { readUsersFile } from '../users-file.ts'
import { addFaultCommand } from './fault.ts'

interface DevCommandOptions extends RootOptions {
  readonly port: number
  readonly issuerPort: number
  readonly like: Like
  readonly users?: string
  readonly autoLogin?: string
  readonly autoConsent: boolean
  readonly seed?: number
  readonly resource: readonly FurtherResource[]
  readonly state: string
  readonly audit?: string
  readonly limit: Rate | 'off'
}

/** A server that somebody else starts, and that takes tokens of this issuer. */
interface FurtherResource {
  readonly resource: string
  readonly scopes: readonly string[]
}

const host = '127.0.0.1'
const readingScopes = ['files:list', 'files:read']
const allScopes = [...readingScopes, 'files:write']

export function addDevCommand(program: Command): void {
  const command = program
    .command('dev')
    .description('serve a directory behind an issuer of its own, on this machine only')
    .argument('[directory]', 'what to serve (default: a sample folder that it makes)')
    .addOption(shared.port())
    .addOption(new Option('--issuer-port <number>', 'port of the issuer').default(8081).argParser(readPort))
    .addOption(
      new Option('--like <provider>', 'whose manners the issuer has').choices(likes).default('doorman'),
    )
    .addOption(new Option('--users <file>', 'YAML or JSON with "users:" (default: alice and bob)'))
    .addOption(new Option('--auto-login <name>', 'log every browser in as this user, without a page'))
    .addOption(
      new Option('--auto-consent', 'allow what each client asks for, as far as the user may').default(false),
    )
    .addOption(
      new Option('--seed <number>', 'make what is random in faults the same each time').argParser(readSeed),
    )
    .addOption(
      new Option(
        '--resource <url=scopes>',
        'give out tokens for this server too, with these scopes: "http://127.0.0.1:8090/mcp=tools:use tools:read"; may be repeated',
      )
        .default([], 'the directory alone')
        .argParser(readResource),
    )
    .addOption(shared.state())
  addRootOptions(command).addOption(shared.audit()).addOption(shared.limit()).action(runDev)
  command.enablePositionalOptions()
  addFaultCommand(command)
}

async function runDev(directory: string | undefined, options: DevCommandOptions): Promise<void> {
  const { port, issuerPort, state } = options
  const signal = waitForSignal()
  if (port === 0 || port === issuerPort) {
    const reason =
      port === 0 ? 'tokens name the port, so it must be known before' : 'server and issuer need one each'
    throw new UsageError(`--port ${port} cannot be used: ${reason}. Choose another.`)
  }
  const served = directory ?? makeSampleFolder(state)
  if (directory !== undefined) keepOutside(directory, state, '--state')
  const resource = `http://${host}:${port}/mcp`
  const users =
    options.users === undefined
      ? undefined
      : readUsersFile(options.users, [...allScopes, ...options.resource.flatMap(({ scopes }) => scopes)])
  const issuer = await startIssuer(resource, options, users)
  const service = await startFilesService({
    directory: served,
    host,
    port,
    portOption: '--port',
    resource,
    issuers: [trustedIssuer(issuer, options.like)],
    dpop: undefined,
    state,
    limit: options.limit,
    ...rootOptionsOf(options),
    auditFile: options.audit,
    allowWeakOpener: false,
  }).catch(async (error: unknown) => {
    await issuer.close()
    throw error
  })
  process.stdout.write(
    formatNextSteps({
      resource,
      issuer: issuer.issuer,
      directory: resolve(served),
      state,
      users: issuer.users,
    }),
  )
  await signal
  await closeAll([service.close, () => issuer.close()])
}

/** How the files server trusts the issuer: by the rules of the provider whose manners it has. */
function trustedIssuer({ issuer }: DevelopmentIssuer, like: Like): IssuerOptions {
  return like === 'casdoor' ? { casdoor: issuer, application: casdoorApplication } : { issuer }
}

function startIssuer(
  resource: string,
  options: DevCommandOptions,
  users: readonly DevelopmentUser[] | undefined,
): Promise<DevelopmentIssuer> {
  const { issuerPort: port, state, readOnly, like, autoLogin, autoConsent, seed } = options
  const further = options.resource.map((server) => ({ ...server, defaultScopes: server.scopes }))
  return startDevelopmentIssuer({
    host,
    port,
    state,
    like,
    autoConsent,
    ...(users !== undefined && { users }),
    ...(autoLogin !== undefined && { autoLogin }),
    ...(seed !== undefined && { seed }),
    resources: [
      {
        resource,
        name: 'Doorman files',
        scopes: readOnly ? readingScopes : allScopes,
        defaultScopes: readingScopes,
      },
      ...further,
    ],
  }).catch((error: unknown) => {
    throw explainListenError(error, host, port, '--issuer-port')
  })
}

function readResource(value: string, previous: readonly FurtherResource[]): readonly FurtherResource[] {
  const at = value.indexOf('=')
  const resource = value.slice(0, at)
  const scopes = value.slice(at + 1).split(' ')
  if (at < 0 || !URL.canParse(resource) || !scopes.every((scope) => scope !== '')) {
    throw new InvalidArgumentError('Write it as "http://127.0.0.1:8090/mcp=tools:use tools:read".')
  }
  return [...previous, { resource, scopes }]
}

function readSeed(value: string): number {
  const seed = Number(value)
  if (!/^\d{1,10}$/.test(value) || seed >= 2 ** 32) {
    throw new InvalidArgumentError('Write a whole number from 0 to 4294967295.')
  }
  return seed
}
