import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { isLoopbackName, serveStdio } from '@mcp-doorman/mcp-endpoint'
import type { IssuerOptions, Rate } from '@mcp-doorman/resource-server'
import { UsageError } from '../failure.ts'
import { openFiles, startFilesService } from '../files-service.ts'
import { keepOutside } from '../keep-outside.ts'
import { settlePublicUrl } from '../public-url.ts'
import { collect, shared } from '../option-table.ts'
import { addRootOptions, rootOptionsOf, type RootOptions } from '../root-options.ts'
import { closeAll, waitForSignal } from '../shutdown.ts'
import { readDpop, tokenCheckOptions, withIntrospection, type TokenCheckOptions } from '../token-checks.ts'

interface FilesCommandOptions extends RootOptions, TokenCheckOptions {
  readonly host: string
  readonly port: number
  readonly publicUrl?: string
  readonly issuer: readonly string[]
  readonly casdoor?: string
  readonly casdoorApplication?: string
  readonly allowClient: readonly string[]
  readonly allowOwner: readonly string[]
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
    .addOption(shared.issuer())
    .addOption(shared.casdoor())
    .addOption(shared.casdoorApplication())
    .addOption(
      new Option('--allow-client <id>', 'accept tokens of this OAuth client only; may be repeated')
        .default([], 'any client of an issuer; of a Casdoor, its application')
        .argParser(collect),
    )
    .addOption(
      new Option(
        '--allow-owner <organization>',
        'accept users of this Casdoor organization only; may be repeated',
      )
        .default([], 'not looked at')
        .argParser(collect),
    )
  addRootOptions(command)
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

const weakOpenerNotice =
  'Note: this system has no /proc, so files are opened by a weaker way. A local account that can write below the directory could lead it outside.'

async function runHttp(directory: string, options: FilesCommandOptions): Promise<void> {
  const { host, port, limit } = options
  const signal = waitForSignal()
  const issuers = withIntrospection(readIssuers(options), options)
  if (port === 0 && options.publicUrl === undefined) {
    throw new UsageError(
      '--port 0 takes a port that nobody knows before, so tokens cannot name it. Add --public-url.',
    )
  }
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
  if (options.casdoor !== undefined && options.allowClient.includes('*')) say(anyClientWarning)
  say(
    `${resource} serves ${resolve(directory)}${options.perUser ? ', a folder for each user' : ''}${options.readOnly ? ', read-only' : ''}.`,
  )
  say(
    `Tokens are taken from ${issuers.map((issuer) => ('casdoor' in issuer ? issuer.casdoor : issuer.issuer)).join(', ')}.`,
  )
  if (!isLoopbackName(host))
    say(`Listening on ${host}:${service.port} without TLS: only a proxy that ends TLS should reach it.`)
  void service.resourceServer.ready().then((problems) => {
    for (const problem of problems) {
      process.stderr.write(`Until this is mended, requests are answered 503. ${problem}\n`)
    }
  })
  await signal
  await closeAll([service.close])
}

const anyClientWarning =
  "Warning: --allow-client '*' accepts tokens of every application of that Casdoor. Whoever can register an application there, or owns one, can obtain tokens for this server with any scope it asks for. Name the application or the clients instead."

function readIssuers(options: FilesCommandOptions): readonly IssuerOptions[] {
  const { issuer, casdoor, casdoorApplication, allowClient, allowOwner } = options
  if (issuer.length === 0 && casdoor === undefined) {
    throw new UsageError(
      'Nobody is named whose tokens to accept. Add --issuer URL or --casdoor URL; to try it without a provider, run "doorman dev" instead, or --stdio for one local user.',
    )
  }
  if (casdoor === undefined && (casdoorApplication !== undefined || allowOwner.length > 0)) {
    const flag = casdoorApplication === undefined ? '--allow-owner' : '--casdoor-application'
    throw new UsageError(`${flag} has no effect without --casdoor. Add it, or remove ${flag}.`)
  }
  if (casdoor !== undefined && casdoorApplication === undefined && allowClient.length === 0) {
    throw new UsageError(
      `Any application of ${casdoor} could obtain tokens for this server, because Casdoor lets every client choose the audience. Add --casdoor-application NAME to accept one application, or --allow-client ID for each client to accept.`,
    )
  }
  const anyClient = allowClient.includes('*')
  const clients = anyClient || allowClient.length === 0 ? {} : { allowedClients: allowClient }
  const standard = issuer.map((url): IssuerOptions => ({ issuer: url, ...clients }))
  if (casdoor === undefined) return standard
  return [
    {
      // People copy addresses with the final slash; the setting that tokens repeat has none.
      casdoor: casdoor.replace(/\/$/, ''),
      ...(casdoorApplication !== undefined && { application: casdoorApplication }),
      ...(anyClient ? { allowedClients: 'any' as const } : clients),
      ...(allowOwner.length > 0 && { allowedOwners: allowOwner }),
    },
    ...standard,
  ]
}
