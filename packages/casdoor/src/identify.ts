import type { Outbound, OutboundAnswer } from '@mcp-doorman/outbound'
import { readJsonObject } from './answers.ts'
import { plainHeaders } from './api.ts'
import { done, failed, type Result } from './problems.ts'
import { textOf } from './records.ts'

export const discoveryPath = '/.well-known/openid-configuration'

/** What Casdoor calls itself in its metadata, which is what its tokens name as `iss`. */
export function readIssuer(answer: OutboundAnswer, origin: string): Result<string> {
  const what = `GET ${origin}${discoveryPath}`
  const discovery = readJsonObject(answer, what)
  if (!discovery.ok) return discovery
  const issuer = textOf(discovery.value, 'issuer')
  if (issuer !== '') return done(issuer)
  return failed(
    'not_casdoor',
    `${what} answered without an issuer, as Casdoor does below a path that it does not know. Give its origin alone.`,
  )
}

/** Asks for the metadata: whether a Casdoor is there, and what it calls itself. One request. */
export async function identifyCasdoor(outbound: Outbound, origin: string): Promise<Result<string>> {
  const answer = await outbound.request({ url: `${origin}${discoveryPath}`, headers: plainHeaders })
  return readIssuer(answer, origin)
}
