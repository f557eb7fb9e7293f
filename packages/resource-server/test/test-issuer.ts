import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { compactJws, makeKey, publicJwk, type SigningKey } from './compact-jws.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** An issuer that does what a test says: serves keys, counts the questions, misbehaves. */
export interface TestIssuer {
  readonly issuer: string
  readonly port: number
  /** What the key set serves; change it to rotate. */
  keys: SigningKey[]
  /** Further entries of the key set, as they are. */
  extraJwks: unknown[]
  /** Set to answer the key set's address in some other way. */
  answerKeys: Answer | undefined
  /** Set to answer everything else in some other way. */
  answerDiscovery: Answer | undefined
  /** Set to answer questions about tokens in some other way; a good token of this issuer is active otherwise. */
  answerIntrospection: Answer | undefined
  readonly fetches: { discovery: number; keys: number; introspection: number }
  /** The questions about tokens: headers and form. */
  readonly questions: { readonly authorization: string | undefined; readonly form: URLSearchParams }[]
  /** The claims of a good access token, with a change. `undefined` removes one. */
  readonly claims: (change?: Readonly<Record<string, unknown>>) => Record<string, unknown>
  readonly sign: (change?: TokenChange) => string
  /** Takes no more connections and ends those it has. */
  readonly close: () => Promise<void>
}

export interface TokenChange {
  readonly claims?: Readonly<Record<string, unknown>>
  /** `undefined` removes a member. */
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: SigningKey
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
  const fetches = { discovery: 0, keys: 0, introspection: 0 }
  const questions: TestIssuer['questions'] = []
  const server = createServer((request, response) => {
    if (request.url === '/keys') {
      fetches.keys += 1
      const answer = test.answerKeys ?? json({ keys: [...test.keys.map(publicJwk), ...test.extraJwks] })
      answer(request, response)
      return
    }
    if (request.url === '/introspect') {
      fetches.introspection += 1
      void readForm(request).then((form) => {
        questions.push({ authorization: request.headers.authorization, form })
        const answer = test.answerIntrospection ?? json(describeToken(form.get('token') ?? ''))
        answer(request, response)
      })
      return
    }
    fetches.discovery += 1
    const answer = test.answerDiscovery ?? discovery
    answer(request, response)
  })
  await new Promise<void>((resolve) => void server.listen(options.port ?? 0, '127.0.0.1', resolve))
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const discovery: Answer = (request, response) => {
    const known = request.url === '/.well-known/oauth-authorization-server'
    const document = { issuer, jwks_uri: `${issuer}/keys`, introspection_endpoint: `${issuer}/introspect` }
    const answer = known ? json(document) : json({ error: 'not_found' }, 404)
    answer(request, response)
  }

  const claims: TestIssuer['claims'] = (change = {}) => {
    const now = Math.floor(nowSeconds())
    return {
      iss: issuer,
      aud: audience,
      sub: 'alice',
      client_id: 'test-client',
      scope: 'files:list files:read',
      iat: now,
      exp: now + 600,
      jti: randomUUID(),
      ...change,
    }
  }
  const test: TestIssuer = {
    issuer,
    port,
    keys,
    extraJwks: [],
    answerKeys: undefined,
    answerDiscovery: undefined,
    answerIntrospection: undefined,
    fetches,
    questions,
    claims,
    sign: ({ claims: change = {}, header = {}, key = test.keys[0] } = {}) => {
      if (key === undefined) throw new Error('the issuer has no key')
      const head = { alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header }
      return compactJws(head, claims(change), key.alg, key.privateKey)
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

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return new URLSearchParams(body)
}

/** What a well-behaved issuer says of a token of its own: all that is in it, and that it is active. */
function describeToken(token: string): Record<string, unknown> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return { active: true, token_type: 'Bearer', ...(claims as Record<string, unknown>) } // Made by `claims` above.
  } catch {
    return { active: false }
  }
}
