import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { readBuiltInCredentials, type Administrator, type ClientCredentials } from '@mcp-doorman/casdoor'
import type { Outbound } from '@mcp-doorman/outbound'
import { messageOf, UsageError } from '../failure.ts'
import { askChoice, askSecret, askText } from './asking.ts'

/** Who administers, as far as it has been said; not tried yet. */
export type GivenCredentials =
  | { readonly kind: 'client'; readonly client: ClientCredentials }
  | { readonly kind: 'administrator'; readonly administrator: Administrator }

const names = {
  clientId: 'CASDOOR_CLIENT_ID',
  clientSecret: 'CASDOOR_CLIENT_SECRET',
  user: 'CASDOOR_ADMIN_USER',
  password: 'CASDOOR_ADMIN_PASSWORD',
} as const

/** The same words for both commands. */
export const credentialsHelp = `
Administrator credentials come from the environment, or from --credentials FILE with lines NAME=VALUE:
  ${names.clientId}, ${names.clientSecret}    of app-built-in (Casdoor: Applications → app-built-in), or
  ${names.user}, ${names.password}  of an administrator in the organization built-in`

/**
 * Reads who administers from a file, or else from the environment.
 *
 * @returns undefined when neither says
 * @throws {UsageError} when the file cannot be read, says nothing, or one half of a pair is missing
 */
export function readCredentials(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): GivenCredentials | undefined {
  if (file === undefined) return pairIn(environment, 'The environment')
  let values: Readonly<Record<string, string | undefined>>
  try {
    values = parseEnv(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(`--credentials: the file ${file} cannot be read. ${messageOf(error)}`)
  }
  const found = pairIn(values, `--credentials: the file ${file}`)
  if (found !== undefined) return found
  throw new UsageError(
    `--credentials: the file ${file} names neither ${names.clientId} and ${names.clientSecret} nor ${names.user} and ${names.password}, one NAME=VALUE a line.`,
  )
}

function pairIn(
  values: Readonly<Record<string, string | undefined>>,
  where: string,
): GivenCredentials | undefined {
  const value = (name: string): string => values[name]?.trim() ?? ''
  const client = pair(names.clientId, names.clientSecret)
  if (client !== undefined) {
    return { kind: 'client', client: { clientId: client[0], clientSecret: client[1] } }
  }
  const administrator = pair(names.user, names.password)
  if (administrator === undefined) return undefined
  return { kind: 'administrator', administrator: { user: administrator[0], password: administrator[1] } }

  function pair(one: string, other: string): readonly [string, string] | undefined {
    const [first, second] = [value(one), value(other)]
    if ((first === '') === (second === '')) return first === '' ? undefined : [first, second]
    throw new UsageError(`${where} has ${first === '' ? other : one} without ${first === '' ? one : other}.`)
  }
}

/** Asks the person at the terminal. */
export async function askCredentials(origin: string): Promise<GivenCredentials> {
  const kind = await askChoice(`Who administers ${origin}?`, [
    { value: 'administrator', label: 'an administrator of the organization built-in, by password' },
    { value: 'client', label: 'the client id and secret of app-built-in' },
  ])
  if (kind === 'administrator') {
    const user = await askText('Name', 'admin')
    return { kind, administrator: { user, password: await askSecret('Password') } }
  }
  const clientId = await askText('Client id', '')
  return { kind, client: { clientId, clientSecret: await askSecret('Client secret') } }
}

/** @throws {Error} that says why nobody can be signed in */
export async function settleCredentials(
  outbound: Outbound,
  origin: string,
  given: GivenCredentials,
): Promise<ClientCredentials> {
  if (given.kind === 'client') return given.client
  const found = await readBuiltInCredentials(outbound, origin, given.administrator)
  if (!found.ok) throw new Error(found.problem.message)
  return found.value
}
