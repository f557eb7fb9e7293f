import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openLab } from '../../test/end-to-end/doorman-process.ts'
import { makeKey } from '../../test/end-to-end/hand-made-issuer.ts'
import {
  callTool,
  getJson,
  legacyHeaders,
  post,
  type Json,
  type WireAnswer,
} from '../../test/end-to-end/mcp-wire.ts'
import type { Example } from './examples.ts'
import { offers, type Call } from './offers.ts'
import { openStand, type Place, type StandingExample } from './standing-example.ts'
import { casdoorClientId, type IssuerKind, type SigningIssuer } from './trusted-issuers.ts'

interface Forgery {
  readonly name: string
  readonly kinds?: readonly IssuerKind[]
  readonly token: (issuer: SigningIssuer, scope: string) => string
}

const claims =
  (changed: (issuer: SigningIssuer) => Json, header: Json = {}): Forgery['token'] =>
  (issuer, scope) =>
    issuer.sign({ scope, ...changed(issuer) }, { header })
const now = (): number => Math.floor(Date.now() / 1000)
const otherKey = makeKey('hand-made')
const standard = { kinds: ['standard'] } as const
const casdoor = { kinds: ['casdoor'] } as const

/** Each differs from a good token in one thing. */
const forgeries: readonly Forgery[] = [
  { name: 'for another server', token: claims(() => ({ aud: 'http://127.0.0.1:9/mcp' })) },
  { name: 'for an address that begins alike', token: claims(() => ({ aud: 'http://127.0.0.1/mcp-evil' })) },
  { name: 'for nobody', token: claims(() => ({ aud: undefined })) },
  { name: 'of another issuer', token: claims(() => ({ iss: 'http://127.0.0.1:9' })) },
  { name: 'of the issuer with a slash', token: claims(({ issuer }) => ({ iss: `${issuer}/` })) },
  { name: 'without a time to end', token: claims(() => ({ exp: undefined })) },
  { name: 'that does not say when it was issued', token: claims(() => ({ iat: undefined })) },
  { name: 'that ends at a text', token: claims(() => ({ exp: '9999999999' })) },
  { name: 'that has expired', token: claims(() => ({ exp: now() - 600 })) },
  { name: 'that begins later', token: claims(() => ({ nbf: now() + 600 })) },
  { name: 'without a subject', token: claims(() => ({ sub: undefined })) },
  { name: 'that names no key', ...casdoor, token: claims(() => ({}), { kid: undefined }) },
  { name: 'that is bound to a key of its client', token: claims(() => ({ cnf: { jkt: 'x' } })) },
  { name: 'that names an unknown key', token: claims(() => ({}), { kid: 'unknown' }) },
  { name: 'that must be understood otherwise', token: claims(() => ({}), { crit: ['x'], x: 1 }) },
  {
    name: 'signed by another key under the same id',
    token: (issuer, scope) => issuer.sign({ scope }, { key: { ...otherKey, kid: issuer.key.kid } }),
  },
  { name: 'that nobody signed', token: (issuer, scope) => resign(issuer, scope, 'none', () => '') },
  {
    name: 'signed with the public key as a secret',
    token: (issuer, scope) =>
      resign(issuer, scope, 'HS256', (text) => {
        const pem = createPublicKey(issuer.key.privateKey).export({ type: 'spki', format: 'pem' })
        return createHmac('sha256', pem).update(text).digest('base64url')
      }),
  },
  { name: 'that is an ID token', ...standard, token: claims(() => ({}), { typ: 'JWT' }) },
  { name: 'that does not say its type', ...standard, token: claims(() => ({}), { typ: undefined }) },
  {
    name: 'that calls itself a refresh token',
    ...casdoor,
    token: claims(() => ({ tokenType: 'refresh-token' })),
  },
  {
    name: 'that is an access token and a refresh token at once',
    ...casdoor,
    token: claims(() => ({ TokenType: 'refresh-token' })),
  },
  { name: 'that does not say its kind', ...casdoor, token: claims(() => ({ tokenType: undefined })) },
  { name: 'that logs out', ...casdoor, token: claims(() => ({ events: {} })) },
  { name: 'of another client', ...casdoor, token: claims(() => ({ azp: 'other' })) },
  { name: 'for the client', ...casdoor, token: claims(() => ({ aud: [casdoorClientId] })) },
  { name: 'of another type', ...casdoor, token: claims(() => ({}), { typ: 'logout+jwt' }) },
]

/** Who is let in, and with what; what everybody else is told. */
export function checkTokens(example: Example, kind: IssuerKind): void {
  const { challenge, limit, read, scopes, write } = offers[example.serves]
  describe(`with tokens of the kind ${kind}`, () => {
    const lab = openLab({ after })
    const shown: string[] = []
    let place: Place
    let issuer: SigningIssuer
    let standing: StandingExample
    before(async () => {
      ;({ place, issuer, standing } = await openStand(lab, example, kind))
    })

    function sign(scope: string, changed: Json = {}): string {
      const token = issuer.sign({ scope, ...changed })
      shown.push(token)
      return token
    }

    function call(token: string | undefined, { name, args }: Call): Promise<WireAnswer> {
      return standing.call(token, name, args)
    }

    function metadataUrl(): string {
      const { origin, pathname } = new URL(standing.url)
      return `${origin}/.well-known/oauth-protected-resource${pathname}`
    }

    test('a good token is let in, also one whose audience is a list', async () => {
      for (const aud of [standing.url, [standing.url]]) {
        assertSays(await call(sign(read.scope, { aud }), read), read)
      }
    })

    test('without a token: 401, where to get one, and which; no error, since nothing was presented', async () => {
      const asked = [
        () => call(undefined, read),
        () => fetch(standing.url),
        () => fetch(standing.url, { method: 'DELETE' }),
        () => fetch(`${standing.url}?access_token=${sign(read.scope)}`, { method: 'POST', body: '{}' }),
      ]
      for (const ask of asked) {
        const answer = await ask()
        assert.equal(answer.status, 401)
        const parameters = readChallenge(answer)
        assert.equal(parameters['resource_metadata'], metadataUrl())
        assert.deepEqual(parameters['scope']?.split(' '), challenge)
        assert.equal(parameters['error'], undefined)
      }
    })

    for (const { name, kinds, token } of forgeries) {
      if (kinds !== undefined && !kinds.includes(kind)) continue
      test(`a token ${name}: 401, recorded without the token`, async () => {
        const before = standing.output().length
        const forged = token(issuer, read.scope)
        shown.push(forged)
        const answer = await call(forged, read)
        assert.equal(answer.status, 401, answer.text)
        const parameters = readChallenge(answer)
        assert.equal(parameters['error'], 'invalid_token')
        assert.equal(parameters['resource_metadata'], metadataUrl())
        await recorded(standing, before, 401)
      })
    }

    test('a word after the token, or no token after the scheme, is refused', async () => {
      const good = sign(read.scope)
      for (const authorization of [`Bearer ${good} more`, `Bearer`, `Basic ${good}`, good]) {
        const answer = await fetch(standing.url, { method: 'POST', headers: { authorization }, body: '{}' })
        assert.ok([400, 401].includes(answer.status), `${answer.status}`)
      }
    })

    test('too few scopes: 403 with all that the call needs, before anything has run', async () => {
      const before = standing.output().length
      for (const scope of [read.scope, write.scope.replace(/\w$/, ''), `${write.scope}x`, '']) {
        const answer = await call(sign(scope), write)
        assert.equal(answer.status, 403, answer.text)
        const parameters = readChallenge(answer)
        assert.equal(parameters['error'], 'insufficient_scope')
        assert.equal(parameters['scope'], write.scope)
        assert.equal(parameters['resource_metadata'], metadataUrl())
      }
      assert.ok(!existsSync(join(place.folder, 'new.txt')))
      await recorded(standing, before, 403)
      assertSays(await call(sign(write.scope), write), write)
    })

    test('two calls in one message do not get the second in by the first', async () => {
      const [reading, writing] = [read, write].map(({ name, args }, id) => ({
        jsonrpc: '2.0',
        id,
        method: 'tools/call',
        params: { name, arguments: { ...args, path: 'batch.txt' } },
      }))
      const answer = await post(standing.url, sign(read.scope), [reading, writing], legacyHeaders)
      assert.ok([400, 403].includes(answer.status), `${answer.status} ${answer.text}`)
      assert.ok(!existsSync(join(place.folder, 'batch.txt')))
    })

    if (example.hasPlainForm === true) {
      test('the plain form is guarded like MCP', async () => {
        const list = (token: string | undefined): Promise<Response> =>
          fetch(new URL('/tools/list', standing.url), {
            headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
          })
        assert.equal((await list(undefined)).status, 401)
        assert.match(await (await list(sign(read.scope))).text(), new RegExp(`"${read.name}"`))

        const plain = (token: string | undefined, { name, args }: Call): Promise<WireAnswer> =>
          callTool(standing.url, token, { name, arguments: args }, 'plain')
        for (const [token, status] of [
          [undefined, 401],
          [sign(read.scope, { aud: 'http://127.0.0.1:9/mcp' }), 401],
          [sign(read.scope), 403],
        ] as const) {
          const answer = await plain(token, { ...write, args: { ...write.args, path: 'plain.txt' } })
          assert.equal(answer.status, status, answer.text)
          assert.equal(readChallenge(answer)['resource_metadata'], metadataUrl())
        }
        assert.ok(!existsSync(join(place.folder, 'plain.txt')))
        assertSays(await plain(sign(read.scope), read), read)
      })
    }

    test('nothing is held open for a caller who only listens', async () => {
      const headers = { authorization: `Bearer ${sign(read.scope)}`, accept: 'text/event-stream' }
      for (const method of ['GET', 'DELETE']) {
        const answer = await fetch(standing.url, { method, headers, signal: AbortSignal.timeout(5000) })
        assert.equal(
          answer.status,
          example.hasSessions === true ? 400 : 405,
          'there is no session to listen to',
        )
        await answer.text()
      }
    })

    test('a tool that does not exist is said to, and starts no login', async () => {
      const answer = await standing.call(sign(scopes.join(' ')), 'format_disk')
      assert.ok([200, 400, 404].includes(answer.status), `${answer.status}`)
      assert.match(answer.text, /"error"|"isError":\s*true/)
    })

    test('too many calls: 429 and when to come back, for this user alone', async () => {
      const before = standing.output().length
      const busy = sign(limit.call.scope, { sub: 'busy' })
      let answer = await call(busy, limit.call)
      for (let count = 0; count < limit.perMinute * 1.5 && answer.status === 200; count += 1) {
        answer = await call(busy, limit.call)
      }
      assert.equal(answer.status, 429)
      assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d{0,3}$/)
      await recorded(standing, before, 429)
      assertSays(await call(sign(read.scope, { sub: 'calm' }), read), read)
      assert.equal((await getJson(metadataUrl())).status, 200)
    })

    test('no token, and no signature of one, was printed', () => {
      for (const token of shown) {
        const signature = token.split('.')[2] ?? ''
        assert.ok(!standing.output().includes(token))
        assert.ok(signature === '' || !standing.output().includes(signature))
      }
    })
  })
}

function resign(issuer: SigningIssuer, scope: string, alg: string, seal: (text: string) => string): string {
  const [head = '', body = ''] = issuer.sign({ scope }).split('.')
  const header = { ...(JSON.parse(Buffer.from(head, 'base64url').toString()) as Json), alg }
  const text = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${body}`
  return `${text}.${seal(text)}`
}

function assertSays(answer: WireAnswer, { says }: Call): void {
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.text, says)
  assert.doesNotMatch(answer.text, /"isError":\s*true|"error":/)
}

/** The parameters of the one challenge, which must be for Bearer. */
function readChallenge(answer: { readonly headers: Headers }): Readonly<Record<string, string>> {
  const header = answer.headers.get('www-authenticate') ?? ''
  assert.match(header, /^Bearer (?:[a-z_]+="[^"\\]*"(?:, ?|$))+$/)
  const pairs = [...header.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value])
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, header)
  return Object.fromEntries(pairs) as Record<string, string>
}

/** Records may be written a little later than the answer. */
async function recorded(standing: StandingExample, from: number, status: number): Promise<void> {
  const isThere = new RegExp(`^.*\\b${status}\\b.*$`, 'm')
  const deadline = Date.now() + 5000
  while (!isThere.test(standing.output().slice(from))) {
    assert.ok(Date.now() < deadline, `no line says ${status}:\n${standing.output().slice(from)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
