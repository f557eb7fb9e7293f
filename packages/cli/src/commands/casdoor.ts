import { Option, type Command } from 'commander'
import { runCheck } from '../casdoor/check.ts'
import { clientWords, parseClients } from '../casdoor/clients.ts'
import { credentialsHelp, readCredentials } from '../casdoor/credentials.ts'
import { reachCasdoor, readUrl } from '../casdoor/reach.ts'
import { runSetup } from '../casdoor/setup.ts'
import { readTarget, type TargetWords } from '../casdoor/target.ts'
import { UsageError } from '../failure.ts'
import { collect } from '../option-table.ts'

export function addCasdoorCommand(program: Command): void {
  const casdoor = program
    .command('casdoor')
    .description('set a Casdoor up for MCP servers, and find what is wrong with one')
  addSetupCommand(casdoor)
  addCheckCommand(casdoor)
}

const options = {
  url: () => new Option('--url <url>', 'the Casdoor, named by its "origin" setting').env('CASDOOR_URL'),
  redirect: (description: string) =>
    new Option('--redirect <url>', `${description}; may be repeated`).default([], 'none').argParser(collect),
  clients: (description: string) => new Option('--for <clients>', `${description}: ${clientWords}`),
  credentials: () =>
    new Option('--credentials <file>', 'who administers it (default: what the environment says)'),
}

interface SetupWords extends TargetWords {
  readonly organization: string
  readonly redirect: readonly string[]
  readonly for?: string
  readonly user: readonly string[]
  readonly userPassword?: string
  readonly dryRun: boolean
  readonly showSecrets: boolean
  readonly credentials?: string
}

function addSetupCommand(casdoor: Command): void {
  casdoor
    .command('setup')
    .description('make or correct what an MCP server needs in a Casdoor, and say how to start the server')
    .addOption(options.url())
    .addOption(new Option('--organization <name>', 'whose users may log in').makeOptionMandatory())
    .addOption(
      new Option('--application <name>', 'the application that tokens come from').env('CASDOOR_APPLICATION'),
    )
    .addOption(
      new Option('--resource <url>', 'the URL of the MCP server, as clients will use it').env(
        'MCP_SERVER_URL',
      ),
    )
    .addOption(
      new Option('--config <file>', 'take Casdoor, application, URLs, scopes and tools from a doorman.yaml'),
    )
    .addOption(
      new Option(
        '--scopes <list>',
        'what may be asked for, as "files:read=Read files; …" (default: those of doorman files)',
      ),
    )
    .addOption(options.redirect('where a client is sent back to; loopback needs none'))
    .addOption(options.clients('list where these are sent back to, with commas between'))
    .addOption(
      new Option('--user <name>', 'make this account if it is not there; may be repeated')
        .default([], 'none')
        .argParser(collect),
    )
    .addOption(
      new Option('--user-password <secret>', 'the first password of new accounts, as env:NAME or file:PATH'),
    )
    .addOption(
      new Option('--roles', 'put names of roles, and groups, into tokens, for rules to use').default(false),
    )
    .addOption(new Option('--dry-run', 'show what would change, and write nothing').default(false))
    .addOption(
      new Option('--show-secrets', 'print the client secret, and passwords that were made').default(false),
    )
    .addOption(options.credentials())
    .addHelpText('after', setupHelp)
    .action(setUp)
}

const setupHelp = `
Nothing is deleted, and what is not named here stays as it is. Running it again changes nothing, or finishes
what was cut off.
${credentialsHelp}
Neither given, and at a terminal, it asks.

Examples:
  doorman casdoor setup --url https://auth.example.com --organization acme --application mcp-files \\
    --resource https://mcp.example.com/mcp --for claude,vscode --dry-run
  doorman casdoor setup --organization acme --config doorman.yaml`

async function setUp(words: SetupWords, command: Command): Promise<void> {
  const { resource, ...rest } = words
  // What the environment says of one server is not said against a file.
  const isMeant = words.config === undefined || command.getOptionValueSource('resource') === 'cli'
  const { target, notice } = readTarget({ ...rest, ...(isMeant && resource !== undefined && { resource }) })
  if (notice !== undefined) say(`${notice}\n\n`)
  const outbound = reachCasdoor(target.origin)
  try {
    await runSetup(
      {
        ...target,
        organization: words.organization,
        redirectUris: words.redirect,
        clients: words.for === undefined ? [] : parseClients(words.for),
        users: words.user,
        userPassword: words.userPassword,
        dryRun: words.dryRun,
        showSecrets: words.showSecrets,
        credentials: readCredentials(words.credentials, process.env),
      },
      outbound,
      say,
    )
  } finally {
    outbound.close()
  }
}

interface CheckWords {
  readonly url?: string
  readonly application?: string
  readonly token?: string
  readonly resource?: string
  readonly redirect: readonly string[]
  readonly for?: string
  readonly credentials?: string
  readonly json: boolean
}

function addCheckCommand(casdoor: Command): void {
  casdoor
    .command('check')
    .description('say what is wrong with a Casdoor for MCP, and which setting to change; changes nothing')
    .addOption(options.url())
    .addOption(
      new Option('--application <name>', 'the application that tokens come from').env('CASDOOR_APPLICATION'),
    )
    .addOption(new Option('--token <->', 'with "-": read an access token from standard input and look at it'))
    .addOption(new Option('--resource <url>', 'the URL of the MCP server, which tokens should name'))
    .addOption(options.redirect('where a client is sent back to'))
    .addOption(options.clients('try where these are sent back to, with commas between'))
    .addOption(options.credentials())
    .addOption(new Option('--json', 'as JSON').default(false))
    .addHelpText('after', checkHelp)
    .action(check)
}

const checkHelp = `
It works without credentials and sees more with them. The token is sent nowhere and not shown. Casdoor keeps a session
of every request for 30 days, so look seldom: about ten requests are sent.
Ends with 1 when an error was found; warnings and notes end with 0.
${credentialsHelp}

Examples:
  doorman casdoor check --url https://auth.example.com --application mcp-files --for claude
  doorman casdoor check --url https://auth.example.com --application mcp-files --token - < token.txt`

async function check(words: CheckWords): Promise<void> {
  const { url, application, token, resource, json } = words
  if (token !== undefined && token !== '-') {
    throw new UsageError(
      '--token: write "-" and give the token on standard input, so that it is in no list of processes.',
    )
  }
  if (url === undefined) throw new UsageError('--url: must be given, or CASDOOR_URL in the environment.')
  readUrl('--url', url)
  const clients = words.for === undefined ? [] : parseClients(words.for)
  const outbound = reachCasdoor(url)
  try {
    const isFine = await runCheck(
      {
        url,
        application,
        token: token !== undefined,
        resource: resource === undefined ? undefined : readUrl('--resource', resource),
        redirectUris: [...words.redirect, ...clients.flatMap((client) => client.redirectUris)],
        credentials: readCredentials(words.credentials, process.env),
        json,
      },
      outbound,
      say,
    )
    if (!isFine) process.exitCode = 1
  } finally {
    outbound.close()
  }
}

function say(text: string): void {
  process.stdout.write(text)
}
