import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { certificateThumbprint } from '@mcp-doorman/resource-server'
import { makeDpopClient, provenRequest } from './dpop-client.ts'
import { startGuarded } from './guarded.ts'

const read = (name: string): string =>
  readFileSync(new URL(`../../outbound/test/fixtures/${name}.pem`, import.meta.url), 'utf8')
const key = read('server-key')
const [mine, another] = [read('loopback'), read('other-host')]
const thumbprintOf = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url')

// A server that ends TLS and asks for certificates, as whoever uses this library would.
const seen: (string | undefined)[] = []
const server = createServer(
  { key, cert: mine, requestCert: true, rejectUnauthorized: false },
  (asked, response) => {
    seen.push(certificateThumbprint(asked.socket as TLSSocket)) // The sockets of an https server are these.
    response.end()
  },
)
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
after(() => server.close())
// It listens on a TCP port.
const { port } = server.address() as AddressInfo

async function connectWith(cert: string | undefined): Promise<string | undefined> {
  await new Promise<void>((resolve, reject) => {
    const client = cert === undefined ? {} : { key, cert }
    request({ host: '127.0.0.1', port, agent: false, rejectUnauthorized: false, ...client }, (response) => {
      response.resume().once('end', () => resolve())
    })
      .once('error', reject)
      .end()
  })
  return seen.at(-1)
}

test('the thumbprint is that of the certificate that the client has proven to hold', async () => {
  assert.equal(await connectWith(mine), thumbprintOf(mine))
  assert.equal(await connectWith(another), thumbprintOf(another))
  assert.equal(await connectWith(undefined), undefined)
  assert.equal(certificateThumbprint({}), undefined, 'on a plain connection')
})

const world = await startGuarded({ options: { dpop: {} } })
const bound = (cnf: unknown): string => world.issuer.sign({ claims: { cnf } })

test('C30, L6: a token that is bound to a certificate needs that one, from the socket', async () => {
  const token = bound({ 'x5t#S256': thumbprintOf(mine) })
  const certificate = await connectWith(mine)
  const other = await connectWith(another)
  assert.ok(certificate !== undefined && other !== undefined)
  assert.equal(await world.outcome({ token, certificateThumbprint: certificate }), 'allow')
  assert.equal(await world.outcome({ token, certificateThumbprint: other }), 'sender_unproven')
  assert.equal(await world.outcome({ token }), 'sender_unproven')
  const headers = ['X-Client-Cert-Thumbprint', certificate, 'Client-Cert', `:${certificate}:`]
  assert.equal(await world.outcome({ token, headers }), 'sender_unproven', 'a header is no proof')
  assert.equal(await world.outcome({ token: world.issuer.sign(), certificateThumbprint: other }), 'allow')
})

test('C30: a token that is bound to a certificate and a key needs both', async () => {
  const client = makeDpopClient()
  const certificate = thumbprintOf(mine)
  const token = bound({ 'x5t#S256': certificate, jkt: client.thumbprint })
  const proof = (): string => client.prove(token)
  const both = provenRequest(token, proof(), { certificateThumbprint: certificate })
  assert.equal(await world.outcome(both), 'allow')
  assert.equal(await world.outcome(provenRequest(token, proof())), 'sender_unproven')
  assert.equal(await world.outcome({ token, certificateThumbprint: certificate }), 'sender_unproven')
})
