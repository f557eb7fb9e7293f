import type { IncomingHttpHeaders } from 'node:http'
import {
  basicOf,
  challenge,
  codeFor,
  openWorld,
  type Reply,
  sessionOf,
  type Tokens,
  tokensFor,
  type World,
} from './casdoor-world.ts'
import { preparations } from './exchange-preparations.ts'
import { decodeJwt, type Exchange, readExchange, timeOf, tokensIn } from './recorded-exchanges.ts'
import { provisionedAt } from './recorded-instance.ts'

/** A double on its way to the state in which an exchange was recorded. */
export interface Scene {
  readonly world: World
  readonly exchange: Exchange
  /** Texts of the recording, and what stands for them here: codes, tokens, ids. */
  readonly live: Map<string, string>
  /** Makes a token that says what a recorded one says, and has it stand for that. */
  liveToken(jwt: string): Promise<string>
  /** The whole answer that a token came with. */
  liveGrant(jwt: string): Promise<Tokens>
  /** Sends the request of another recording, and keeps nothing of its answer. */
  replay(file: string): Promise<Reply>
}

export interface Replayed {
  readonly recorded: Comparable
  readonly answered: Comparable
}

export interface Comparable {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: unknown
}

/** Without a cookie nothing says when an exchange was recorded; after everything else that was, does. */
const afterwards = provisionedAt + 1200

/** Sends a recorded request to a double in the state in which it was recorded. */
export async function replay(file: string): Promise<Replayed> {
  const exchange = readExchange(file)
  const world = await openWorld()
  try {
    const scene = createScene(world, exchange)
    const at = timeOf(exchange) ?? afterwards
    world.now = Math.min(at, world.now + 5)
    await preparations[file]?.(scene)
    for (const jwt of tokensIn(exchange.request)) await scene.liveToken(jwt)
    await prepareCode(scene, at)
    const session = await prepareSession(scene)
    world.now = at
    const reply = await sendRequest(scene, exchange, session)
    return { recorded: comparable(exchange.response), answered: comparable(reply) }
  } finally {
    await world.close()
  }
}

function createScene(world: World, exchange: Exchange): Scene {
  const live = new Map<string, string>()
  const grants = new Map<string, Tokens>()
  const liveGrant = async (jwt: string): Promise<Tokens> => {
    const known = grants.get(jwt)
    if (known !== undefined) return known
    const tokens = await makeTokens(world, decodeJwt(jwt).claims)
    grants.set(jwt, tokens)
    return tokens
  }
  const scene: Scene = {
    world,
    exchange,
    live,
    liveGrant,
    liveToken: async (jwt) => {
      const { header, claims } = decodeJwt(jwt)
      if (claims['azp'] === undefined) return jwt // A proof, or what else is no token of Casdoor's.
      const known = live.get(jwt)
      if (known !== undefined) return known
      const tokens = await liveGrant(jwt)
      const token = header['kid'] === undefined ? tokens.refresh_token : tokens.access_token
      live.set(jwt, token)
      return token
    },
    replay: async (file) => {
      const other = readExchange(file)
      await prepareCode({ ...scene, exchange: other }, timeOf(other) ?? afterwards)
      return sendRequest(scene, other, live.get('<session>'))
    },
  }
  return scene
}

/** Signs in as a recorded token's user, at the time when it was signed, and asks for what it was given. */
async function makeTokens(world: World, claims: Readonly<Record<string, unknown>>): Promise<Tokens> {
  const text = (name: string): string => {
    const claim = claims[name]
    return typeof claim === 'string' ? claim : ''
  }
  const clientId = text('azp')
  const audience = String(claims['aud'])
  const application = clientId.replace(/^client-/, '')
  const scope = text('scope')
  world.now = Number(claims['iat'])
  if (text('sub').startsWith('admin/')) {
    const body = {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: `secret-${application}`,
      scope,
    }
    const reply = await world.ask({ method: 'POST', path: '/api/login/oauth/access_token', body })
    return reply.body as Tokens
  }
  const user = await findUser(world, text('sub'))
  const resource = audience === clientId ? {} : { resource: audience }
  return tokensFor(world, { application, scope, user, nonce: text('nonce'), ...resource })
}

async function findUser(world: World, id: string): Promise<string> {
  const { body } = await world.administer('get-users?owner=acme')
  const { data } = body as { data: readonly { id: string; name: string }[] }
  return data.find((user) => user.id === id)?.name ?? 'bob' // Whoever was deleted since.
}

/** A code that was got as the recorded one was, where no preparation has one. */
async function prepareCode({ world, exchange, live }: Scene, at: number): Promise<void> {
  const { body, path, headers } = exchange.request
  const query = new URLSearchParams(path.split('?')[1])
  const parameters = { ...Object.fromEntries(query), ...(body as Readonly<Record<string, string>>) }
  const { code, resource } = parameters
  if (!path.startsWith('/api/login/oauth/access_token')) return
  if (code === undefined || !/^[0-9a-f]{20}$/.test(code) || live.has(code)) return
  const basic = Buffer.from((headers?.['authorization'] ?? '').slice(6), 'base64').toString()
  const clientId = parameters['client_id'] ?? basic.split(':', 1)[0] ?? ''
  const answered = (exchange.response.body as Partial<Readonly<Record<string, string>>>)['access_token']
  world.now = answered === undefined ? at : Number(decodeJwt(answered).claims['iat'])
  const facts = { application: clientId.replace(/^client-/, ''), codeChallenge: challenge }
  live.set(code, await codeFor(world, { ...facts, ...(resource !== undefined && { resource }) }))
}

async function prepareSession({ world, exchange, live }: Scene): Promise<string | undefined> {
  if (exchange.request.headers?.['cookie'] === undefined) return undefined
  return live.get('<session>') ?? sessionOf(world, 'alice')
}

async function sendRequest(
  { world, live }: Scene,
  { request }: Exchange,
  session: string | undefined,
): Promise<Reply> {
  let text = JSON.stringify(request)
  for (const [recorded, own] of live) text = text.replaceAll(recorded, own)
  // Lists that were left out of the recording.
  text = text.replaceAll(/"<default list[^"]*>"/g, '[]')
  const { method, path, headers = {}, body } = JSON.parse(text) as Exchange['request']
  const authorization = headers['authorization']?.startsWith('Basic <')
    ? { authorization: await administratorOf(world) }
    : {}
  const cookie = session === undefined ? {} : { cookie: session }
  return world.ask({ method, path, headers: { ...headers, ...authorization, ...cookie }, body })
}

async function administratorOf(world: World): Promise<string> {
  const { body } = await world.administer('get-application?id=admin/app-built-in')
  const { data } = body as { data: { clientId: string; clientSecret: string } }
  return basicOf(data.clientId, data.clientSecret)
}

const comparedHeaders = `
  content-type cache-control etag vary www-authenticate location set-cookie server allow retry-after
  access-control-allow-origin access-control-allow-methods access-control-allow-headers
  access-control-allow-credentials
`
  .trim()
  .split(/\s+/)

/** Cookies for the scripts of Casdoor's web interface, which the double has not. */
const interfaceCookies = /^(?:jsonWebConfig|organizationTheme|organizationLogo|organizationFootHtml)=/

function comparable(answer: {
  readonly status: number
  readonly headers: IncomingHttpHeaders | Exchange['response']['headers']
  readonly body: unknown
}): Comparable {
  const headers: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(answer.headers)) {
    if (!comparedHeaders.includes(name)) continue
    headers[name] = name === 'set-cookie' ? compareCookies([value].flat()) : value
  }
  const isPage = typeof answer.body === 'string' && /<html|<!doctype/i.test(answer.body)
  return { status: answer.status, headers, body: isPage ? 'a page' : answer.body }
}

function compareCookies(cookies: readonly unknown[]): readonly string[] {
  return cookies
    .map(String)
    .filter((cookie) => !interfaceCookies.test(cookie))
    .map((cookie) => cookie.replace(/^casdoor_session_id=[^;]*/, 'casdoor_session_id=<session>'))
}
