import { Option, type Command } from 'commander'
import type { IssuerOptions } from '@mcp-doorman/resource-server'
import { UsageError } from './failure.ts'
import { collect, shared } from './option-table.ts'

/** Whose tokens a command accepts. */
export interface IssuerChoice {
  readonly issuer: readonly string[]
  readonly casdoor?: string
  readonly casdoorApplication?: string
  readonly allowClient: readonly string[]
  readonly allowOwner: readonly string[]
}

export function addIssuerOptions(command: Command): Command {
  return command
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
}

/**
 * The issuers that the options name.
 *
 * @param alternative - what to do without any, for who only wants to try it
 * @throws {UsageError} when nobody is named, or more people could get tokens than was meant
 */
export function readIssuers(options: IssuerChoice, alternative: string): readonly IssuerOptions[] {
  const { issuer, casdoor, casdoorApplication, allowClient, allowOwner } = options
  if (issuer.length === 0 && casdoor === undefined) {
    throw new UsageError(
      `Nobody is named whose tokens to accept. Add --issuer URL or --casdoor URL; to try it without a provider, ${alternative}.`,
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

/** What an operator should be told of this choice, line by line. */
export function describeIssuers(
  issuers: readonly IssuerOptions[],
  { casdoor, allowClient }: IssuerChoice,
): readonly string[] {
  const names = issuers.map((issuer) => ('casdoor' in issuer ? issuer.casdoor : issuer.issuer))
  const warning = casdoor !== undefined && allowClient.includes('*') ? [anyClientWarning] : []
  return [...warning, `Tokens are taken from ${names.join(', ')}.`]
}

const anyClientWarning =
  "Warning: --allow-client '*' accepts tokens of every application of that Casdoor. Whoever can register an application there, or owns one, can obtain tokens for this server with any scope it asks for. Name the application or the clients instead."
