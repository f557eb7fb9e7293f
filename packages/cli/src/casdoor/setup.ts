import { randomBytes } from 'node:crypto'
import {
  clientOf,
  createCasdoorApi,
  identifyCasdoor,
  remainingFindings,
  setUpCasdoor,
  type CasdoorRecord,
  type ClientCredentials,
  type ScopeOption,
  type SetupOptions,
} from '@mcp-doorman/casdoor'
import type { Outbound } from '@mcp-doorman/outbound'
import { messageOf, UsageError } from '../failure.ts'
import { printable } from '../printable.ts'
import { readSecret, secretReference } from '../secret-reference.ts'
import { canAsk, askSecret } from './asking.ts'
import type { NamedClient } from './clients.ts'
import { askCredentials, credentialsHelp, settleCredentials, type GivenCredentials } from './credentials.ts'
import { formatClosing } from './closing-text.ts'
import type { NamedServer } from './from-configuration.ts'
import { formatPlan } from './plan-text.ts'
import { formatFinding } from './report-text.ts'

/** What `doorman casdoor setup` was asked for, read and judged. */
export interface SetupRequest {
  readonly origin: string
  readonly organization: string
  readonly application: string
  readonly scopes: readonly ScopeOption[]
  readonly redirectUris: readonly string[]
  readonly clients: readonly NamedClient[]
  readonly users: readonly string[]
  /** Where the password of new users is; undefined to ask, or to make one. */
  readonly userPassword: string | undefined
  readonly roles: boolean
  readonly dryRun: boolean
  readonly showSecrets: boolean
  readonly credentials: GivenCredentials | undefined
  /** What clients are told about. */
  readonly servers: readonly NamedServer[]
  /** The words that start it. */
  readonly command: string
}

type Say = (text: string) => void

/** @throws {Error} that says what could not be done, and that another run goes on from there */
export async function runSetup(request: SetupRequest, outbound: Outbound, say: Say): Promise<void> {
  const { origin, dryRun } = request
  const issuer = await identifyCasdoor(outbound, origin)
  if (!issuer.ok) throw new Error(issuer.problem.message)
  if (issuer.value !== origin) {
    say(
      `Warning: ${origin} calls itself ${printable(JSON.stringify(issuer.value))} in its metadata, and so do its tokens. Set origin = ${origin} in conf/app.conf of Casdoor, or name it as it names itself.\n`,
    )
  }
  const given = request.credentials ?? (await findCredentials(origin))
  const options = await readOptions(request)
  const credentials = await settleCredentials(outbound, origin, given)
  const api = createCasdoorApi({ outbound, origin, credentials })
  const newUsers = new Set<string>()
  const outcome = await setUpCasdoor(api, options, {
    dryRun,
    onPlan: (plan) => say(formatPlan(plan, dryRun)),
    onDone: ({ kind, name, action }) => {
      say(`  done: the ${kind} was read back as it was written\n`)
      if (kind === 'user' && action === 'add') newUsers.add(name)
    },
  }).catch((error: unknown) => {
    throw error instanceof TypeError ? new UsageError(error.message) : error
  })
  if (!outcome.ok) {
    const state =
      outcome.written === 0
        ? 'Nothing was changed before.'
        : `${outcome.written === 1 ? 'One object was' : `${outcome.written} objects were`} set up before and stay.`
    throw new Error(
      `${outcome.problem.message}\n${state} Once that is mended, run the same again: it goes on from there.`,
    )
  }
  say(summary(outcome.written, dryRun))
  if (outcome.application !== undefined) sayWhatRemains(outcome.application, origin, dryRun, say)
  if (dryRun || outcome.application === undefined) return
  say(formatClosing(request, clientOf(outcome.application)))
  if (request.showSecrets) saySecrets(options, newUsers, clientOf(outcome.application), say)
}

function findCredentials(origin: string): Promise<GivenCredentials> {
  if (canAsk()) return askCredentials(origin)
  throw new UsageError(`Nobody is named who administers ${origin}.\n${credentialsHelp.trimStart()}`)
}

async function readOptions(request: SetupRequest): Promise<SetupOptions> {
  const { organization, application, scopes, redirectUris, clients, users, roles } = request
  const passwordOf = await findPasswords(request)
  return {
    organization,
    application,
    scopes,
    redirectUris: [...redirectUris, ...clients.flatMap((client) => client.redirectUris)],
    users: users.map((name) => ({ name, password: passwordOf(name) })),
    roles,
  }
}

/** Passwords of accounts that may have to be made: from where it was said, from the person, or made up. */
async function findPasswords(request: SetupRequest): Promise<(name: string) => string> {
  const { users, userPassword, showSecrets, dryRun } = request
  if (users.length === 0 || dryRun) return () => 'not needed'
  if (userPassword !== undefined) {
    const password = readPassword(userPassword)
    return () => password
  }
  if (showSecrets) return () => randomBytes(15).toString('base64url')
  if (canAsk()) {
    const password = await askSecret(`Password for new users (${users.join(', ')})`)
    return () => password
  }
  throw new UsageError(
    '--user needs a first password for whoever is new: name it with --user-password env:NAME or file:PATH, or add --show-secrets to have one made for each and shown.',
  )
}

function readPassword(reference: string): string {
  if (!secretReference.test(reference)) {
    throw new UsageError(
      '--user-password: write env:NAME or file:PATH, so that the password is in no list of processes.',
    )
  }
  try {
    return readSecret(reference)
  } catch (error) {
    throw new UsageError(`--user-password: ${messageOf(error)}`)
  }
}

function summary(written: number, dryRun: boolean): string {
  if (dryRun) return '\nNothing was written (--dry-run).\n'
  return written === 0 ? '\nEverything was as it should be; nothing was changed.\n' : ''
}

function sayWhatRemains(application: CasdoorRecord, origin: string, dryRun: boolean, say: Say): void {
  // Before a change that was only planned, what it would mend is no remainder.
  const findings = dryRun ? [] : remainingFindings(application, origin)
  if (findings.length === 0) return
  say('\nLeft as it is, since somebody may have meant it:\n\n')
  for (const finding of findings) say(formatFinding(finding))
}

/** Passwords of new accounts only: whoever had one has kept it. */
function saySecrets(
  { users = [] }: SetupOptions,
  newUsers: ReadonlySet<string>,
  { clientSecret }: ClientCredentials,
  say: Say,
): void {
  say(`\nClient secret  ${clientSecret}\n`)
  for (const { name, password } of users) {
    if (newUsers.has(name)) say(`Password of ${name}  ${password}\n`)
  }
}
