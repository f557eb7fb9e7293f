import { text } from 'node:stream/consumers'
import { Option, type Command } from 'commander'
import { issueToken } from '../issue-token.ts'
import { formatInspection, inspectToken } from '../inspect-token.ts'
import { readDuration, shared } from '../option-table.ts'

interface IssueOptions {
  readonly user: string
  readonly scope: string
  readonly issuer?: string
  readonly resource?: string
  readonly ttl: number
  readonly state: string
}

export function addTokenCommand(program: Command): void {
  const token = program
    .command('token')
    .description('get a token from the development issuer, or see what one grants')
  token
    .command('issue')
    .description('print an access token of the running development issuer, and nothing else')
    .addOption(new Option('--user <name>', 'for whom').makeOptionMandatory())
    .addOption(new Option('--scope <scopes>', 'what it grants, with spaces between').makeOptionMandatory())
    .addOption(new Option('--issuer <url>', 'which issuer (default: the one that uses the state folder)'))
    .addOption(new Option('--resource <url>', 'for which resource (default: the only one it serves)'))
    .addOption(
      new Option('--ttl <time>', 'how long it lasts, up to 1d').default(600, '10m').argParser(readDuration),
    )
    .addOption(shared.state())
    .action(async (options: IssueOptions) => {
      process.stdout.write(`${await issue(options)}\n`)
    })
  token
    .command('inspect')
    .description('read a token from standard input and say what it grants; never prints it')
    .addOption(new Option('--json', 'as JSON').default(false))
    .addHelpText('after', '\nThe signature is not checked.\n\nExample:\n  doorman token inspect < token.txt')
    .action(async ({ json }: { readonly json: boolean }) => {
      const inspection = inspectToken(await text(process.stdin), Date.now() / 1000)
      process.stdout.write(
        json ? `${JSON.stringify(inspection, undefined, 2)}\n` : formatInspection(inspection),
      )
    })
}

function issue({ user, scope, issuer, resource, ttl, state }: IssueOptions): Promise<string> {
  return issueToken({
    state,
    user,
    scope,
    ttlSeconds: ttl,
    ...(issuer !== undefined && { issuer }),
    ...(resource !== undefined && { resource }),
  })
}
