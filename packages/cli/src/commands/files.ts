import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { serveStdio } from '@mcp-doorman/mcp-endpoint'
import type { Rate } from '@mcp-doorman/resource-server'
import { UsageError } from '../failure.ts'
import { openFiles, startFilesService } from '../files-service.ts'
import { addIssuerOptions, describeIssuers, readIssuers, type IssuerChoice } from '../issuer-choice.ts'
import { keepOutside } from '../keep-outside.ts'
import { describeListening, tellOfMissingKeys } from '../listening.ts'
import { settlePublicUrl } from '../public-url.ts'
import { shared } from '../option-table.ts'
import { addRootOptions, rootOptionsOf, type RootOptions } from '../root-options.ts'
import { closeAll, waitForSignal } from '../shutdown.ts'
import { readDpop, tokenCheckOptions, withIntrospection, type TokenCheckOptions } from '../token-checks.ts'

interface FilesCommandOptions extends RootOptions, IssuerChoice, TokenCheckOptions {
  readonly host: string
  readonly port: number
  readonly publicUrl?: string
  readonly stdio: boolean
  readonly audit?: string
  readonly state?: string
  readonly limit: Rate | 'off'
  readonly allowWeakOpener: boolean
}

export function addFilesCommand(program: Command): void {
  const command = program
    .command('files')
    .description('serve a directory to agents: seven tools behind three scopes')
    .argument('<directory>', 'what to serve')
    .addOption(shared.host())
    .addOption(shared.port())
    .addOption(shared.publicUrl())
  addRootOptions(addIssuerOptions(command))
    .addOption(
      new Option(
        '--stdio',
        'serve standard input and output instead of HTTP: no tokens, one local user',
      ).default(false),
    )
    .addOption(shared.audit())
    .addOption(shared.limit())
    .addOption(
      new Option(
        '--state <folder>',
        'keep revocations in this folder (mode 0700), and take them there from "doorman revoke" (default: none)',
      ),
    )
    .addOption(
      new Option('--allow-weak-opener', 'serve other machines even where the system has no /proc').default(
        false,
      ),
    )
    .addHelpText('after', examples)
  for (const option of tokenCheckOptions()) command.addOption(option)
  command.action(async (directory: string, options: FilesCommandOptions, invoked: Command) => {
    await (options.stdio ? runStdio(directory, options, invoked) : runHttp(directory, options))
  })
}

const examples = `
Scopes: files:list, files:read, files:write. Editing needs read and write, searching list and read.

Examples:
  doorman files ./notes --casdoor https://auth.example.com --casdoor-application mcp-notes
  doorman files ./notes --issuer https://issuer.example.com --public-url https://mcp.example.com/mcp
  doorman files ./notes --issuer https://issuer.example.com --state /var/lib/doorman --dpop accept
  doorman files ./notes --issuer https://issuer.example.com --introspect doorman --introspect-secret env:SECRET
  doorman files ./notes --stdio --read-only`

const stdioOptions = new Set(['stdio', 'readOnly', 'deny', 'quota', 'quotaFiles', 'allowWeakOpener'])

async function runStdio(directory: string, options: FilesCommandOptions, command: Command): Promise<void> {
  for (const option of command.options) {
    const name = option.attributeName()
    // Variables of the environment are for whichever server runs in it; only what was typed is a mistake.
    if (stdioOptions.has(name) || command.getOptionValueSource(name) !== 'cli') continue
    throw new UsageError(
      `${option.long ?? name} has no effect with --stdio, which has no network, tokens or users. Remove one of the two.`,
    )
  }
  const stopping = new AbortController()
  void waitForSignal().then(() => stopping.abort())
  const { files, endpoint } = openFiles({ directory, ...rootOptionsOf(options) })
  if (files.opener === 'realpath') process.stderr.write(`${weakOpenerNotice}\n`)
  await serveStdio({ endpoint, maxMessageBytes: 8 * 1024 * 1024, signal: stopping.signal })
  await files.close()
}

const alternative = 'run "doorman dev" instead, or --stdio for one local user'

const weakOpenerNotice =
  'Note: this system has no /proc, so files are opened by a weaker way. A local account that can write below the directory could lead it outside.'

async function runHttp(directory: string, options: FilesCommandOptions): Promise<void> {
  const { host, port, limit } = options
  const signal = waitForSignal()
  const issuers = withIntrospection(readIssuers(options, alternative), options)
  const { resource, notice } = settlePublicUrl(options.publicUrl, host, port)
  if (options.state !== undefined) keepOutside(directory, options.state, '--state')
  const service = await startFilesService({
    directory,
    host,
    port,
    portOption: '--port',
    resource,
    issuers,
    dpop: readDpop(options),
    state: options.state,
    limit,
    ...rootOptionsOf(options),
    auditFile: options.audit,
    allowWeakOpener: options.allowWeakOpener,
  })
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  if (notice !== undefined) say(notice)
  if (service.opener === 'realpath') say(weakOpenerNotice)
  say(
    `${resource} serves ${resolve(directory)}${options.perUser ? ', a folder for each user' : ''}${options.readOnly ? ', read-only' : ''}.`,
  )
  describeIssuers(issuers, options).forEach(say)
  describeListening(host, service.port).forEach(say)
  void tellOfMissingKeys(service.resourceServer.ready)
  await signal
  await closeAll([service.close])
}
