import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** An issuer on loopback, with the tokens that a run needs. */
export interface Issuer {
  readonly issuer: string
  readonly jwksUri: string
  /** One for each user. */
  readonly tokens: readonly string[]
  /** Tokens that differ from a good one in one thing, and the status that refuses them. */
  readonly refused: readonly { readonly name: string; readonly token: string; readonly status: number }[]
  readonly close: () => void
}

const keyId = 'bench-2048'

/** Makes a key, serves metadata and key set, and signs one RS256 access token of about 1 KB for each user. */
export async function startIssuer(resource: string, scope: string, users: number): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2048 })
  const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: keyId, alg: 'RS256', use: 'sig' }] }
  const server = createServer((request, response) => {
    const document = documents()[request.url ?? '']
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(document ?? { error: 'not_found' }))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  server.unref()
  // The server listens on TCP, so its address is one.
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const documents = (): Readonly<Record<string, unknown>> => ({
    '/.well-known/oauth-authorization-server': { issuer, jwks_uri: `${issuer}/jwks` },
    '/jwks': keySet,
  })

  const now = Math.floor(Date.now() / 1000)
  const sign = (user: number, differences: Readonly<Record<string, unknown>>): Promise<string> =>
    new SignJWT({
      ...claimsOf(user),
      iss: issuer,
      aud: resource,
      scope: `files:list ${scope}`,
      ...differences,
    })
      .setProtectedHeader({ alg: 'RS256', kid: keyId, typ: 'at+jwt' })
      .sign(privateKey)
  const good = { iat: now, exp: now + 7200 }
  const refusals = [
    { name: 'a wrong audience', differences: { ...good, aud: `${resource}/other` }, status: 401 },
    { name: 'an expired token', differences: { iat: now - 7200, exp: now - 3600 }, status: 401 },
    { name: 'a missing scope', differences: { ...good, scope: 'files:list' }, status: 403 },
  ]
  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    tokens: await Promise.all(Array.from({ length: users }, (_, user) => sign(user, good))),
    refused: await Promise.all(
      refusals.map(async ({ name, differences, status }) => ({
        name,
        token: await sign(0, differences),
        status,
      })),
    ),
    close: () => void server.close(),
  }
}

/** What a provider usually says of a person. */
function claimsOf(user: number): Readonly<Record<string, unknown>> {
  const name = `user-${String(user).padStart(4, '0')}`
  return {
    sub: `0193c0de-0000-7000-8000-${String(user).padStart(12, '0')}`,
    jti: `bench-${name}-0123456789abcdef`,
    client_id: 'bench-client',
    name: `Bench User ${user}`,
    preferred_username: name,
    email: `${name}@bench.example`,
    email_verified: true,
    locale: 'en',
    organization: 'bench',
    groups: ['bench/readers', 'bench/writers'],
  }
}
