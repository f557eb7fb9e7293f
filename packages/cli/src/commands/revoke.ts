import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Revocation, RevocationWish } from '@mcp-doorman/resource-server'
import { askAdmin } from '../admin-client.ts'
import { UsageError } from '../failure.ts'
import { parseClaims } from '../inspect-token.ts'
import { shared } from '../option-table.ts'

interface RevokeOptions {
  readonly state: string
  readonly issuer?: string
  readonly subject?: string
  readonly client?: string
  readonly tokenId?: string
  readonly token: boolean
  readonly issuedBefore?: number
  readonly list: boolean
  readonly json: boolean
}

export function addRevokeCommand(program: Command): void {
  program
    .command('revoke')
    .description(
      'end tokens before their time at the server that runs, at once and also what they have opened',
    )
    .addOption(shared.state('the state folder of the server'))
    .addOption(new Option('--subject <sub>', 'tokens of this user'))
    .addOption(new Option('--client <id>', 'tokens of this OAuth client; with --subject, of that user there'))
    .addOption(new Option('--token-id <id>', 'the token that records call by this name (its jti)'))
    .addOption(new Option('--token', 'the token that is read from standard input').default(false))
    .addOption(
      new Option(
        '--issued-before <time>',
        'tokens issued up to then: 2026-11-25T08:00Z, seconds, or now',
      ).argParser(readTime),
    )
    .addOption(new Option('--issuer <url>', 'tokens of this issuer (default: the only one)'))
    .addOption(new Option('--list', 'say what is revoked, and revoke nothing').default(false))
    .addOption(new Option('--json', 'as JSON').default(false))
    .addHelpText('after', examples)
    .action(run)
}

const examples = `
The issuer is not told: whoever may still log in there gets a new token, which is taken.
Streams that the tokens have opened are ended. Revocations are kept in the state folder.

Examples:
  doorman revoke --subject alice
  doorman revoke --client old-agent --state /var/lib/doorman
  doorman revoke --token < stolen.txt
  doorman revoke --issued-before now`

async function run(options: RevokeOptions): Promise<void> {
  if (options.list) {
    const { revocations } = (await ask(options.state, 'GET')) as {
      readonly revocations: readonly Revocation[]
    } // As the listener writes it.
    print(options, revocations, revocations.map(describe).join('\n') || 'Nothing is revoked.')
    return
  }
  const wish = await readWish(options)
  const revocation = (await ask(options.state, 'POST', wish)) as Revocation // As the listener writes it.
  print(options, revocation, `Revoked: ${describe(revocation)}.`)
}

function print({ json }: RevokeOptions, value: unknown, words: string): void {
  process.stdout.write(`${json ? JSON.stringify(value, undefined, 2) : words}\n`)
}

async function readWish(options: RevokeOptions): Promise<RevocationWish> {
  const { issuer, subject, client: clientId, tokenId, token, issuedBefore: issuedUpTo } = options
  if (token) {
    if ([subject, clientId, tokenId, issuedUpTo].some((value) => value !== undefined)) {
      throw new UsageError('--token names a token by itself. Leave out the others, or leave out --token.')
    }
    return nameToken((await text(process.stdin)).trim(), issuer)
  }
  if ([subject, clientId, tokenId, issuedUpTo].every((value) => value === undefined)) {
    throw new UsageError(
      'Nothing is named to be revoked. Add --subject, --client, --token-id or --token; for all tokens of an issuer, --issued-before now.',
    )
  }
  return { issuer, subject, clientId, tokenId, issuedUpTo }
}

/** A JWT is named by its `jti`, which no other spelling of it changes; any other token by the beginning of its hash. */
function nameToken(token: string, issuer: string | undefined): RevocationWish {
  if (token === '') throw new UsageError('There is no token on standard input.')
  const { iss, jti } = parseClaims(token) ?? {}
  const hash = createHash('sha256').update(token).digest('base64url').slice(0, 16)
  return {
    issuer: issuer ?? (typeof iss === 'string' ? iss : undefined),
    tokenId: typeof jti === 'string' ? jti : hash,
  }
}

async function ask(state: string, method: 'GET' | 'POST', wish?: RevocationWish): Promise<unknown> {
  const answer = await askAdmin(state, method, '/revocations', wish)
  if (answer === undefined) {
    throw new Error(
      `No server that uses the state folder ${state} runs. Name its folder with --state; a server has one only if it was started with --state, or its doorman.yaml says "state:".`,
    )
  }
  const body: unknown = JSON.parse(answer.body)
  if (answer.status < 300) return body
  const { error_description: reason } = body as { readonly error_description: string } // As the listener writes it.
  if (answer.status === 400) throw new UsageError(reason)
  throw new Error(reason)
}

function describe({ issuer, subject, clientId, tokenId, issuedUpTo }: Revocation): string {
  if (tokenId !== undefined) return `the token ${tokenId} of ${issuer}`
  const whose = [
    subject === undefined ? '' : ` of the user ${subject}`,
    clientId === undefined ? '' : ` of the client ${clientId}`,
  ].join('')
  return `tokens${whose} from ${issuer}, issued up to ${new Date(issuedUpTo * 1000).toISOString()}`
}

function readTime(value: string): number {
  if (value === 'now') return Math.floor(Date.now() / 1000)
  const seconds = /^\d{1,11}$/.test(value) ? Number(value) : Date.parse(value) / 1000
  if (Number.isNaN(seconds)) {
    throw new InvalidArgumentError('Write a time as 2026-11-25T08:00Z, as seconds since 1970, or now.')
  }
  return seconds
}
