/** An issuer whose every answer and token is the test's own: what no well-behaved issuer would give out. */
import { generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Lab } from './doorman-process.ts'
import type { Json } from './mcp-wire.ts'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export interface HandMadeIssuer {
  readonly issuer: string
  /** What was asked for, in order. */
  readonly asked: readonly string[]
  readonly key: SigningKey
}

/** Path → answer. A getter is asked for each request. */
export type Documents = (issuer: string, key: SigningKey) => Readonly<Record<string, unknown>>

export const standardDocuments: Documents = (issuer, key) => ({
  '/.well-known/oauth-authorization-server': { issuer, jwks_uri: `${issuer}/keys` },
  '/keys': { keys: [publicJwk(key)] },
})

export async function startHandMadeIssuer(
  lab: Lab,
  documents: Documents = standardDocuments,
): Promise<HandMadeIssuer> {
  const key = makeKey('hand-made')
  const asked: string[] = []
  let answers: Readonly<Record<string, unknown>> = {}
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answerJson(response, answers[request.url ?? ''])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  lab.keep(() => {
    server.closeAllConnections()
    server.close()
  })
  // It listens on a TCP port.
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  answers = documents(issuer, key)
  return { issuer, asked, key }
}

export function makeKey(kid: string): SigningKey {
  return { kid, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) }
}

export function publicJwk({ kid, publicKey }: SigningKey): Json {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }
}

/** Claims and header as RFC 9068 wants them, but for what is changed; `undefined` takes a member out. */
export function signToken(
  key: SigningKey,
  claims: Json & { readonly iss: string; readonly aud: string | readonly string[] },
  header: Json = {},
): string {
  const now = Math.floor(Date.now() / 1000)
  const usual = { sub: 'alice', client_id: 'tests', iat: now, exp: now + 600, jti: randomUUID() }
  const head = { alg: 'RS256', typ: 'at+jwt', kid: key.kid, ...header }
  const signed = [head, { ...usual, ...claims }].map(encode).join('.')
  return `${signed}.${sign('sha256', Buffer.from(signed), key.privateKey).toString('base64url')}`
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function answerJson(response: ServerResponse, document: unknown): void {
  response
    .writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
    .end(JSON.stringify(document ?? { error: 'not_found' }))
}
