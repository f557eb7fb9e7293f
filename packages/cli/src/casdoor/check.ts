import { text } from 'node:stream/consumers'
import { checkCasdoor, type CheckReport } from '@mcp-doorman/casdoor'
import type { Outbound } from '@mcp-doorman/outbound'
import { askSecret, canAsk } from './asking.ts'
import { settleCredentials, type GivenCredentials } from './credentials.ts'
import { formatReport } from './report-text.ts'

/** What `doorman casdoor check` was asked for, read and judged. */
export interface CheckRequest {
  readonly url: string
  readonly application: string | undefined
  /** Whether a token is given on standard input. */
  readonly token: boolean
  readonly resource: string | undefined
  readonly redirectUris: readonly string[]
  readonly credentials: GivenCredentials | undefined
  readonly json: boolean
}

/** @returns whether no error was found */
export async function runCheck(
  request: CheckRequest,
  outbound: Outbound,
  say: (text: string) => void,
): Promise<boolean> {
  const { url, application, resource, redirectUris, json } = request
  // A token that is typed into a terminal would stand there, so it is asked for.
  const token = request.token ? await (canAsk() ? askSecret('Access token') : text(process.stdin)) : undefined
  const { credentials } = request
  const client = credentials && (await settleCredentials(outbound, new URL(url).origin, credentials))
  const report = await checkCasdoor({
    outbound,
    url,
    redirectUris,
    nowSeconds: () => Date.now() / 1000,
    ...(application !== undefined && { application }),
    ...(resource !== undefined && { resource }),
    ...(token !== undefined && { token }),
    ...(client !== undefined && { credentials: client }),
  })
  say(json ? `${JSON.stringify(report, undefined, 2)}\n` : formatReport(report))
  return !hasErrors(report)
}

function hasErrors({ findings }: CheckReport): boolean {
  return findings.some(({ severity }) => severity === 'error')
}
