import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An issuer with one key: serves its key set, and signs what a test wants. */
export interface TestIssuer {
  readonly issuer: string
  readonly jwksUri: string
  /** Set to hold back the key set until the promise is done. */
  hold: Promise<void> | undefined
  readonly sign: (claims: Readonly<Record<string, unknown>>) => string
  readonly close: () => Promise<void>
}

export async function startTestIssuer(): Promise<TestIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keySet = JSON.stringify({
    keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'only', alg: 'ES256', use: 'sig' }],
  })
  const server = createServer((_request, response) => {
    void (started.hold ?? Promise.resolve()).then(() =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(keySet),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // It listens on TCP, so its address is one.
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const started: TestIssuer = {
    issuer,
    jwksUri: `${issuer}/keys`,
    hold: undefined,
    sign: (claims) => {
      const now = Math.floor(Date.now() / 1000)
      const signed = [
        { alg: 'ES256', typ: 'at+jwt', kid: 'only' },
        {
          iss: issuer,
          sub: 'alice',
          client_id: 'test-client',
          iat: now,
          exp: now + 600,
          jti: randomUUID(),
          ...claims,
        },
      ]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${signed}.${signature.toString('base64url')}`
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return started
}
