/** What the official clients make of an issuer that misbehaves: that the failures which faults name are real. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type FaultName, readIssuerSecret } from '@mcp-doorman/development-issuer'
import { walkLogin } from '../../packages/development-issuer/test/walk-login.ts'
import { openLab } from './doorman-process.ts'
import { startDev } from './protected-servers.ts'
import { createWallet, sdkClients, type SdkClient, type WalletOptions } from './sdk-clients.ts'

const lab = openLab({ after })
const dev = await startDev(lab)
const known = { client: { client_id: 'doorman-dev', issuer: dev.issuer } }

interface Stumble {
  readonly fault: FaultName
  readonly parameters?: Readonly<Record<string, string>>
  /** By generation of the client: what it says, or that it does not care. The first looks at no issuer. */
  readonly says: Readonly<Partial<Record<SdkClient['generation'], RegExp | 'nothing'>>>
  readonly options?: WalletOptions
}

const stumbles: readonly Stumble[] = [
  { fault: 'metadata-issuer', parameters: { is: 'slash' }, says: { 2: /Issuer mismatch/ } },
  { fault: 'metadata-issuer', parameters: { is: 'other' }, says: { 2: /Issuer mismatch/ } },
  {
    fault: 'metadata-incomplete',
    parameters: { is: 'nulls' },
    says: { 1: /registration_endpoint/, 2: /registration_endpoint/ },
  },
  { fault: 'metadata-pkce', parameters: { is: 'plain' }, says: { 1: /S256/, 2: /S256/ } },
  { fault: 'html', parameters: { at: 'discovery' }, says: { 1: /JSON/, 2: /JSON/ } },
  { fault: 'server-error', parameters: { at: 'discovery', status: '500' }, says: { 1: /500/, 2: /500/ } },
  { fault: 'registration-off', says: { 1: /registration/i, 2: /registration/i } },
  { fault: 'registration-policy', says: { 1: /Trusted Hosts/, 2: /Trusted Hosts/ } },
  {
    fault: 'registration-answer',
    parameters: { is: 'no-redirects' },
    says: { 1: /redirect_uris/, 2: /redirect_uris/ },
  },
  { fault: 'iss', parameters: { mode: 'wrong' }, says: { 1: 'nothing', 2: /iss/i }, options: known },
  { fault: 'resource-lost', says: { 1: /resource/, 2: /resource/ }, options: known },
]

async function switchFaults(wish: object): Promise<void> {
  const { issuer, secret } = readIssuerSecret(dev.state)
  const response = await fetch(`${issuer}/development/faults`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}` },
    body: JSON.stringify(wish),
  })
  assert.equal(response.status, 200, await response.text())
}

/** Logs in, from the first message to the last; gives what the client says of it, if it is not content. */
async function complaintOf(client: SdkClient, options: WalletOptions): Promise<string | undefined> {
  const wallet = createWallet(options)
  const connection = client.open(dev.url, wallet)
  try {
    await connection.connect().catch((error: unknown) => {
      // At first every client is sent to log in.
      if (!/Unauthorized/.test(String(error))) throw error
    })
    const person = { user: 'alice', password: 'alice', decision: 'allow' } as const
    const back = await walkLogin({ authorizeUrl: wallet.authorizeUrl(), ...person })
    await connection.finishLogin(back)
    await connection.connect()
    return undefined
  } catch (error) {
    return String(error)
  } finally {
    await connection.close()
  }
}

for (const { fault, parameters = {}, says, options = {} } of stumbles) {
  for (const client of sdkClients) {
    const expected = says[client.generation]
    if (expected === undefined) continue
    const name = [fault, ...Object.values(parameters)].join(' ')
    test(`${client.name} meets ${name}: ${expected === 'nothing' ? 'it goes on' : `it says ${expected}`}`, async (t) => {
      t.after(() => switchFaults({ clear: true }))
      await switchFaults({ enable: fault, parameters })
      const complaint = await complaintOf(client, options)
      if (expected === 'nothing') assert.equal(complaint, undefined)
      else assert.match(complaint ?? 'nothing', expected)
    })
  }
}
