import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT, type JWTPayload } from 'jose'

export interface SigningKey {
  readonly kid: string | undefined
  readonly alg: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** An issuer that does what a test says: serves keys, counts the questions, misbehaves. */
export interface TestIssuer {
  readonly issuer: string
  /** What the key set serves; change it to rotate. */
  keys: SigningKey[]
  /** Set to answer the key set's address in some other way. */
  answerKeys: Answer | undefined
  /** Set to answer discovery in some other way. */
  answerDiscovery: Answer | undefined
  readonly fetches: { discovery: number; keys: number }
  readonly sign: (change?: TokenChange) => Promise<string>
  readonly close: () => Promise<void>
}

export interface TokenChange {
  /** Claims to set; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: SigningKey
}

export function makeKey(alg = 'ES256', kid: string | undefined = randomUUID()): SigningKey {
  const pair =
    alg.startsWith('RS') || alg.startsWith('PS')
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : alg === 'EdDSA' || alg === 'Ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', {
            namedCurve: alg === 'ES384' ? 'P-384' : alg === 'ES512' ? 'P-521' : 'P-256',
          })
  return { kid, alg, ...pair }
}

export function publicJwk({ kid, alg, publicKey }: SigningKey): Record<string, unknown> {
  return { ...publicKey.export({ format: 'jwk' }), alg, use: 'sig', ...(kid !== undefined && { kid }) }
}

export interface TestIssuerOptions {
  readonly audience: string
  readonly nowSeconds?: () => number
  readonly keys?: SigningKey[]
  /** Listen here again, as the same issuer. Default: a free port. */
  readonly port?: number
}

export async function startTestIssuer(options: TestIssuerOptions): Promise<TestIssuer> {
  const { audience, nowSeconds = () => Date.now() / 1000, keys = [makeKey()] } = options
  const fetches = { discovery: 0, keys: 0 }
  const server = createServer((request, response) => {
    if (request.url === '/keys') {
      fetches.keys += 1
      const answer = test.answerKeys ?? json({ keys: test.keys.map(publicJwk) })
      answer(request, response)
      return
    }
    fetches.discovery += 1
    const answer =
      test.answerDiscovery ??
      (request.url === '/.well-known/oauth-authorization-server'
        ? json({ issuer: test.issuer, jwks_uri: `${test.issuer}/keys` })
        : notFound)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const test: TestIssuer = {
    issuer,
    keys,
    answerKeys: undefined,
    answerDiscovery: undefined,
    fetches,
    sign: async ({ claims = {}, header = {}, key = test.keys[0] } = {}) => {
      if (key === undefined) throw new Error('the issuer has no key')
      const now = Math.floor(nowSeconds())
      const payload: JWTPayload = {
        iss: issuer,
        aud: audience,
        sub: 'alice',
        client_id: 'test-client',
        scope: 'files:list files:read files:write',
        iat: now,
        exp: now + 600,
        jti: randomUUID(),
        ...claims,
      }
      return new SignJWT(payload)
        .setProtectedHeader({
          alg: key.alg,
          typ: 'at+jwt',
          ...(key.kid !== undefined && { kid: key.kid }),
          ...header,
        })
        .sign(key.privateKey)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return test
}

export function json(value: unknown, status = 200): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
}

const notFound = json({ error: 'not_found' }, 404)
