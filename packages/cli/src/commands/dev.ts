import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { startDevelopmentIssuer, type DevelopmentIssuer } from '@mcp-doorman/development-issuer'
import type { Rate } from '@mcp-doorman/resource-server'
import { explainListenError, UsageError } from '../failure.ts'
import { startFilesService } from '../files-service.ts'
import { keepOutside } from '../keep-outside.ts'
import { formatNextSteps } from '../next-steps.ts'
import { makeSampleFolder } from '../sample-folder.ts'
import { readPort, shared } from '../option-table.ts'
import { addRootOptions, rootOptionsOf, type RootOptions } from '../root-options.ts'
import { closeAll, waitForSignal } from '../shutdown.ts'

interface DevCommandOptions extends RootOptions {
  readonly port: number
  readonly issuerPort: number
  readonly state: string
  readonly audit?: string
  readonly limit: Rate | 'off'
}

const host = '127.0.0.1'

export function addDevCommand(program: Command): void {
  const command = program
    .command('dev')
    .description('serve a directory behind an issuer of its own, on this machine only')
    .argument('[directory]', 'what to serve (default: a sample folder that it makes)')
    .addOption(shared.port())
    .addOption(new Option('--issuer-port <number>', 'port of the issuer').default(8081).argParser(readPort))
    .addOption(shared.state())
  addRootOptions(command).addOption(shared.audit()).addOption(shared.limit()).action(runDev)
}

async function runDev(directory: string | undefined, options: DevCommandOptions): Promise<void> {
  const { port, issuerPort, state, readOnly } = options
  const signal = waitForSignal()
  if (port === 0 || port === issuerPort) {
    const reason =
      port === 0 ? 'tokens name the port, so it must be known before' : 'server and issuer need one each'
    throw new UsageError(`--port ${port} cannot be used: ${reason}. Choose another.`)
  }
  const served = directory ?? makeSampleFolder(state)
  if (directory !== undefined) keepOutside(directory, state, '--state')
  const resource = `http://${host}:${port}/mcp`
  const issuer = await startIssuer(resource, state, issuerPort, readOnly)
  const service = await startFilesService({
    directory: served,
    host,
    port,
    portOption: '--port',
    resource,
    issuers: [{ issuer: issuer.issuer }],
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

function startIssuer(
  resource: string,
  state: string,
  port: number,
  readOnly: boolean,
): Promise<DevelopmentIssuer> {
  return startDevelopmentIssuer({
    host,
    port,
    state,
    resources: [
      {
        resource,
        name: 'Doorman files',
        scopes: ['files:list', 'files:read', ...(readOnly ? [] : ['files:write'])],
        defaultScopes: ['files:list', 'files:read'],
      },
    ],
  }).catch((error: unknown) => {
    throw explainListenError(error, host, port, '--issuer-port')
  })
}
