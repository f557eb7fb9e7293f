/** The official TypeScript clients, each behind the little that the tests need of it. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  Client as ClientOf2,
  StreamableHTTPClientTransport as HttpTransportOf2,
  type OAuthClientProvider as ProviderOf2,
  type OAuthDiscoveryState as DiscoveryOf2,
} from '@modelcontextprotocol/client'
import type {
  OAuthClientProvider as ProviderOf1,
  OAuthDiscoveryState as DiscoveryOf1,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as ClientOf1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpTransportOf1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { walkLogin } from '../../packages/development-issuer/test/walk-login.ts'
import { memberOf, parseObject } from './mcp-wire.ts'

/** What a host keeps for one connection, and what it was asked to do. */
export interface Wallet {
  readonly provider: ProviderOf1 & ProviderOf2
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
  /** Method and path, the message where there is one, and the status; in order. */
  readonly requests: string[]
  readonly redirectUrl: string
  /** Where the person was to be sent last. */
  authorizeUrl(): URL
  state(): string
  tokens(): OAuthTokens
}

export interface WalletOptions {
  /** Instead of registration; of this issuer. */
  readonly client?: { readonly client_id: string; readonly issuer: string }
  /** Where the client describes itself. */
  readonly documentUrl?: string
  /** Default: with refresh tokens. */
  readonly grantTypes?: readonly string[]
}

export function createWallet(options: WalletOptions = {}): Wallet {
  const { documentUrl, grantTypes = ['authorization_code', 'refresh_token'] } = options
  // Nothing listens there: the walk ends where the redirect leaves the issuer.
  const redirectUrl = 'http://127.0.0.1:9/callback'
  const state = randomUUID()
  let client: { client_id: string } | undefined = options.client
  let tokens: OAuthTokens | undefined
  let verifier = ''
  let authorizeUrl: URL | undefined
  let discovery: (DiscoveryOf1 & DiscoveryOf2) | undefined
  const requests: string[] = []

  return {
    requests,
    redirectUrl,
    provider: {
      redirectUrl,
      clientMetadata: {
        client_name: 'Clients under test',
        redirect_uris: [redirectUrl],
        grant_types: [...grantTypes],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
      ...(documentUrl !== undefined && { clientMetadataUrl: documentUrl }),
      state: () => state,
      clientInformation: () => client,
      saveClientInformation: (saved: { client_id: string }) => void (client = saved),
      tokens: () => tokens,
      saveTokens: (saved: OAuthTokens) => void (tokens = saved),
      redirectToAuthorization: (url: URL) => void (authorizeUrl = url),
      saveCodeVerifier: (saved: string) => void (verifier = saved),
      codeVerifier: () => verifier,
      saveDiscoveryState: (saved: DiscoveryOf1 & DiscoveryOf2) => void (discovery = saved),
      discoveryState: () => discovery,
    },
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      const message = typeof init?.body === 'string' ? parseObject(init.body)['method'] : undefined
      const what = typeof message === 'string' ? ` ${message}` : ''
      requests.push(`${init?.method ?? 'GET'} ${new URL(url).pathname}${what} ${response.status}`)
      return response
    },
    authorizeUrl: () => {
      assert.ok(authorizeUrl !== undefined, 'nobody was sent to a login')
      return authorizeUrl
    },
    state: () => state,
    tokens: () => {
      assert.ok(tokens !== undefined, 'there are no tokens')
      return tokens
    },
  }
}

export interface SdkConnection {
  connect(): Promise<void>
  /** Gives the client what came back from the login. */
  finishLogin(callback: URL): Promise<void>
  toolNames(): Promise<readonly string[]>
  /** The text of the first block. */
  callTool(name: string, args: Record<string, unknown>): Promise<string>
  close(): Promise<void>
}

export interface SdkClient {
  readonly name: string
  readonly generation: 1 | 2
  /** What its first message is. */
  readonly opensWith: 'initialize' | 'server/discover'
  open(url: string, wallet: Wallet): SdkConnection
}

const identity = { name: 'clients-under-test', version: '1' }

const sdk1: SdkClient = {
  name: 'SDK 1.32',
  generation: 1,
  opensWith: 'initialize',
  open(url, { provider, fetch }) {
    let client = new ClientOf1(identity)
    let transport: HttpTransportOf1 | undefined
    return {
      async connect() {
        client = new ClientOf1(identity)
        transport = new HttpTransportOf1(new URL(url), { authProvider: provider, fetch })
        await client.connect(transport)
      },
      async finishLogin(callback) {
        await transport?.finishAuth(callback.searchParams.get('code') ?? '')
      },
      toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
      callTool: async (name, args) => firstText(await client.callTool({ name, arguments: args })),
      close: () => client.close(),
    }
  },
}

function sdk2(mode: 'auto' | 'legacy'): SdkClient {
  return {
    name: `SDK 2.4 ${mode}`,
    generation: 2,
    opensWith: mode === 'auto' ? 'server/discover' : 'initialize',
    open(url, { provider, fetch }) {
      const newClient = (): ClientOf2 => new ClientOf2(identity, { versionNegotiation: { mode } })
      let client = newClient()
      let transport: HttpTransportOf2 | undefined
      return {
        async connect() {
          client = newClient()
          transport = new HttpTransportOf2(new URL(url), { authProvider: provider, fetch })
          await client.connect(transport)
        },
        finishLogin: async (callback) => transport?.finishAuth(callback.searchParams),
        toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
        callTool: async (name, args) => firstText(await client.callTool({ name, arguments: args })),
        close: () => client.close(),
      }
    },
  }
}

export const sdkClients: readonly SdkClient[] = [sdk1, sdk2('auto'), sdk2('legacy')]

/** Does what a person does at the page that the client opened. Gives the URL that the browser came back to. */
export async function answerLogin(
  wallet: Wallet,
  user: 'alice' | 'bob' = 'alice',
  decision: 'allow' | 'deny' = 'allow',
): Promise<URL> {
  const back = await walkLogin({ authorizeUrl: wallet.authorizeUrl(), user, password: user, decision })
  assert.equal(back.origin + back.pathname, wallet.redirectUrl)
  assert.equal(back.searchParams.get('state'), wallet.state())
  assert.equal(back.searchParams.get('iss'), wallet.authorizeUrl().origin)
  return back
}

/** From the first message to an open connection, with the login in between. */
export async function connectWithLogin(
  connection: SdkConnection,
  wallet: Wallet,
  user: 'alice' | 'bob' = 'alice',
): Promise<void> {
  await assert.rejects(connection.connect(), /^(?:UnauthorizedError|Error): Unauthorized/)
  await connection.finishLogin(await answerLogin(wallet, user))
  await connection.connect()
}

/** The text of the first block of a result that went well. */
export function firstText(result: unknown): string {
  const text = memberOf(result, 'content', '0', 'text')
  assert.ok(typeof text === 'string', JSON.stringify(result))
  assert.notEqual(memberOf(result, 'isError'), true, text)
  return text
}
