import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import { parseCompactJws } from '#internal/identity/compact-jws'
import { base64url, compactJws, hmacJws, makeKey, publicJwk, type SigningKey } from './compact-jws.ts'
import { startGuarded } from './guarded.ts'
import { rounds } from '../../../test/rounds.ts'

const rsa = makeKey('RS256', 'rsa')
const pss = makeKey('PS256', 'pss')
const es256 = makeKey('ES256', 'es256')
const es384 = makeKey('ES384', 'es384')
const es512 = makeKey('ES512', 'es512')
const ed = makeKey('EdDSA', 'ed')
const stranger = makeKey('ES256', 'es256')
const published = [rsa, pss, es256, es384, es512, ed]

/** Keys that stand in the key set and must not verify anything. */
const short: SigningKey = {
  kid: 'short',
  alg: 'RS256',
  ...generateKeyPairSync('rsa', { modulusLength: 1024 }),
}
const forEncryption = makeKey('ES256', 'enc')
const forSigning = makeKey('ES256', 'ops')
const bytes = randomBytes(32)
const unusable = [
  publicJwk(short),
  { ...publicJwk(forEncryption), use: 'enc' },
  { ...publicJwk(forSigning), use: undefined, key_ops: ['sign'] },
  { kty: 'oct', k: bytes.toString('base64url'), kid: 'oct', alg: 'HS256', use: 'sig' },
]

// What a hostile token points to. Nothing may ever be asked for there.
let asked = 0
const lure = createServer((_request, response) => {
  asked += 1
  response.end(JSON.stringify({ keys: [publicJwk(stranger)] }))
})
await new Promise<void>((resolve) => void lure.listen(0, '127.0.0.1', resolve))
after(() => void lure.close())
// A server that listens on TCP has an address with a port.
const lureUrl = `http://127.0.0.1:${(lure.address() as AddressInfo).port}/keys`

const world = await startGuarded({ keys: published })
const { issuer } = world
issuer.extraJwks = unusable
const claims = issuer.claims()

const good = { alg: 'ES256', typ: 'at+jwt', kid: 'es256' }
const jws = (header: unknown, key = es256, payload: unknown = claims): string =>
  compactJws(header, payload, key.alg, key.privateKey)
const signedBy = (key: SigningKey, header: Readonly<Record<string, unknown>> = {}): string =>
  jws({ ...good, alg: key.alg, kid: key.kid, ...header }, key)
const withHeader = (header: Readonly<Record<string, unknown>>): string => jws({ ...good, ...header })

const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' })
const der = rsa.publicKey.export({ type: 'spki', format: 'der' })
const hmacHeader = { alg: 'HS256', typ: 'at+jwt', kid: 'rsa' }
const [h = '', p = '', s = ''] = signedBy(es256).split('.')

/** The same bytes, spelt with another last character: base64 leaves bits over that decoders ignore. */
function respelt(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const twins = alphabet.split('').map((last) => part.slice(0, -1) + last)
  const same = Buffer.from(part, 'base64url')
  const twin = twins.find((text) => text !== part && Buffer.from(text, 'base64url').equals(same))
  assert.ok(twin, 'the part has no bits left over')
  return twin
}

/** A header of a length that leaves bits over. */
const [roomyHeader = '', ...roomyRest] = jws({ ...good, pad: 'xx' }).split('.')

type Row = readonly [id: string, name: string, expected: string, token: string]

const rows: readonly Row[] = [
  ['C1', 'ES256', 'allow', signedBy(es256)],
  ['C1', 'RS256', 'allow', signedBy(rsa)],
  ['C1', 'PS256', 'allow', signedBy(pss)],
  ['C1', 'ES384', 'allow', signedBy(es384)],
  ['C1', 'ES512', 'allow', signedBy(es512)],
  ['C1', 'EdDSA', 'allow', signedBy(ed)],
  ['C6', 'the other name of EdDSA', 'allow', signedBy(ed, { alg: 'Ed25519' })],
  ['C1', 'rs256 in small letters', 'algorithm_refused', signedBy(rsa, { alg: 'rs256' })],
  ['C1', 'RS512, which is not listed', 'algorithm_refused', signedBy({ ...rsa, alg: 'RS512' })],
  ['C1', 'RS384, which is not listed', 'algorithm_refused', signedBy({ ...rsa, alg: 'RS384' })],
  ['C1', 'no alg', 'algorithm_refused', withHeader({ alg: undefined })],
  ['C1', 'alg as a list', 'algorithm_refused', withHeader({ alg: ['ES256'] })],
  ['C1', 'alg with a space', 'algorithm_refused', withHeader({ alg: 'ES256 ' })],
  ['C2', 'alg none and a signature', 'algorithm_refused', withHeader({ alg: 'none' })],
  ['C2', 'alg NONE and a signature', 'algorithm_refused', withHeader({ alg: 'NONE' })],
  ['C2', 'alg nOnE and a signature', 'algorithm_refused', withHeader({ alg: 'nOnE' })],
  [
    'C2',
    'alg none and an empty signature',
    'token_malformed',
    `${base64url({ ...good, alg: 'none' })}.${p}.`,
  ],
  ['C2', 'alg none and no third part', 'token_malformed', `${base64url({ ...good, alg: 'none' })}.${p}`],
  ['C2', 'an empty signature', 'token_malformed', `${h}.${p}.`],
  ['C3', 'HS256 with the PEM of the public key', 'algorithm_refused', hmacJws(hmacHeader, claims, pem)],
  ['C3', 'HS256 with the DER of the public key', 'algorithm_refused', hmacJws(hmacHeader, claims, der)],
  [
    'C3',
    'HS256 with the JWK of the public key',
    'algorithm_refused',
    hmacJws(hmacHeader, claims, JSON.stringify(publicJwk(rsa))),
  ],
  [
    'C3',
    'HS256 with a symmetric key of the set',
    'algorithm_refused',
    hmacJws({ ...hmacHeader, kid: 'oct' }, claims, bytes),
  ],
  [
    'C3',
    'RS256 in the header over an HMAC with the PEM',
    'signature_invalid',
    hmacJws({ ...hmacHeader, alg: 'RS256' }, claims, pem),
  ],
  ['C4', 'ES256 with the id of an RSA key', 'key_unknown', withHeader({ kid: 'rsa' })],
  [
    'C4',
    'PS256 with the id of an RS256 key',
    'key_unknown',
    jws({ ...good, alg: 'PS256', kid: 'rsa' }, { ...rsa, alg: 'PS256' }),
  ],
  [
    'C4',
    'RS256 with the id of a PS256 key',
    'key_unknown',
    jws({ ...good, alg: 'RS256', kid: 'pss' }, { ...pss, alg: 'RS256' }),
  ],
  ['C4', 'ES384 with the id of a P-256 key', 'key_unknown', withHeader({ alg: 'ES384' })],
  ['C5', 'a key for encryption', 'key_unknown', signedBy(forEncryption)],
  ['C5', 'a key whose operations lack verify', 'key_unknown', signedBy(forSigning)],
  ['C6', 'an RSA key of 1024 bits', 'key_unknown', signedBy(short)],

  [
    'C7',
    'a key of its own in the header',
    'signature_invalid',
    jws({ ...good, jwk: publicJwk(stranger) }, stranger),
  ],
  [
    'C7',
    'a key of its own in the header and no kid',
    'signature_invalid',
    jws({ ...good, kid: undefined, jwk: publicJwk(stranger) }, stranger),
  ],
  ['C7', 'a jku', 'signature_invalid', jws({ ...good, jku: lureUrl }, stranger)],
  ['C7', 'an x5u', 'signature_invalid', jws({ ...good, x5u: lureUrl }, stranger)],
  ['C7', 'an x5c', 'signature_invalid', jws({ ...good, x5c: ['MIIB'] }, stranger)],
  ['C7', 'a jku and the issuer’s own signature', 'allow', withHeader({ jku: lureUrl })],

  ['C8', 'crit that names something', 'critical_header_unknown', withHeader({ crit: ['x'], x: 1 })],
  ['C8', 'crit that names what is not there', 'critical_header_unknown', withHeader({ crit: ['x'] })],
  ['C8', 'crit that is empty', 'critical_header_unknown', withHeader({ crit: [] })],
  ['C8', 'crit that names alg', 'critical_header_unknown', withHeader({ crit: ['alg'] })],
  ['C8', 'b64 false and critical', 'critical_header_unknown', withHeader({ b64: false, crit: ['b64'] })],
  ['C8', 'b64 false', 'critical_header_unknown', withHeader({ b64: false })],
  ['C8', 'b64 true', 'critical_header_unknown', withHeader({ b64: true })],
  ['C8', 'a header nobody knows, not critical', 'allow', withHeader({ x: 1 })],

  ['C9', 'no kid, where one key fits', 'allow', signedBy(es384, { kid: undefined })],
  ['C9', 'another kid', 'key_unknown', withHeader({ kid: 'es' })],
  ['C9', 'the kid in capitals', 'key_unknown', withHeader({ kid: 'ES256' })],
  ['C9', 'a kid that is a path', 'key_unknown', withHeader({ kid: '../../es256' })],
  ['C9', 'a kid that is SQL', 'key_unknown', withHeader({ kid: "' OR 1=1 --" })],
  ['C9', 'an empty kid', 'key_unknown', withHeader({ kid: '' })],
  ['C9', 'a kid named like a method of objects', 'key_unknown', withHeader({ kid: '__proto__' })],
  ['C9', 'a kid of 10 kB', 'key_unknown', withHeader({ kid: 'k'.repeat(10_000) })],
  ['C9', 'a kid that is a number', 'token_type_refused', withHeader({ kid: 7 })],
  ['C9', 'a kid that is null', 'token_type_refused', withHeader({ kid: null })],
  ['C9', 'a kid in a list', 'token_type_refused', withHeader({ kid: ['es256'] })],

  ['C10', 'typ application/at+jwt', 'allow', withHeader({ typ: 'application/at+jwt' })],
  ['C10', 'typ AT+JWT', 'allow', withHeader({ typ: 'AT+JWT' })],
  ['C10', 'no typ', 'token_type_refused', withHeader({ typ: undefined })],
  ['C10', 'typ JWT', 'token_type_refused', withHeader({ typ: 'JWT' })],
  ['C10', 'typ dpop+jwt', 'token_type_refused', withHeader({ typ: 'dpop+jwt' })],
  ['C10', 'typ logout+jwt', 'token_type_refused', withHeader({ typ: 'logout+jwt' })],
  ['C10', 'typ oauth-id-jag+jwt', 'token_type_refused', withHeader({ typ: 'oauth-id-jag+jwt' })],
  ['C10', 'typ secevent+jwt', 'token_type_refused', withHeader({ typ: 'secevent+jwt' })],
  ['C10', 'typ text/at+jwt', 'token_type_refused', withHeader({ typ: 'text/at+jwt' })],
  ['C10', 'typ at+jwt with a parameter', 'token_type_refused', withHeader({ typ: 'at+jwt;v=1' })],
  [
    'C10',
    'typ with the prefix twice',
    'token_type_refused',
    withHeader({ typ: 'application/application/at+jwt' }),
  ],
  ['C10', 'typ as a list', 'token_type_refused', withHeader({ typ: ['at+jwt'] })],
  [
    'C11',
    'an ID token’s header and claims',
    'token_type_refused',
    jws({ ...good, typ: 'JWT' }, es256, { ...claims, nonce: 'n', at_hash: 'a' }),
  ],

  ['C12', 'another signature', 'signature_invalid', signedBy(stranger)],
  [
    'C12',
    'the signature of other claims',
    'signature_invalid',
    `${h}.${base64url({ ...claims, sub: 'eve' })}.${s}`,
  ],
  [
    'C12',
    'a signature cut short',
    'signature_invalid',
    `${h}.${p}.${Buffer.from(s, 'base64url').subarray(0, 60).toString('base64url')}`,
  ],
  ['C12', 'stray bits after the signature', 'token_malformed', `${h}.${p}.${respelt(s)}`],
  ['C12', 'stray bits after the header', 'token_malformed', [respelt(roomyHeader), ...roomyRest].join('.')],
  ['C12', 'padding', 'token_malformed', `${h}.${p}.${s}==`],
  ['C12', 'the other alphabet of base64', 'token_malformed', `${h}.${p}.${s.slice(0, -2)}+/`],
  ['C12', 'five parts, as encrypted tokens have', 'token_malformed', `${h}.${p}.${s}.${s}.${s}`],
  ['C12', 'four parts', 'token_malformed', `${h}.${p}.${s}.`],
  ['C12', 'two parts', 'token_malformed', `${h}.${p}`],
  ['C12', 'one part', 'token_malformed', h],
  ['C12', 'an empty header', 'token_malformed', `.${p}.${s}`],
  ['C12', 'empty claims', 'token_malformed', `${h}..${s}`],
  ['C12', 'a header that is no JSON', 'token_malformed', `${base64url('{')}.${p}.${s}`],
  ['C12', 'a header that is a list', 'token_malformed', `${base64url('[]')}.${p}.${s}`],
  [
    'C12',
    'a header with a byte order mark',
    'token_malformed',
    `${base64url(`\uFEFF${JSON.stringify(good)}`)}.${p}.${s}`,
  ],
  [
    'C12',
    'claims that are not UTF-8',
    'token_malformed',
    `${h}.${Buffer.from('{"iss":"\xff"}', 'latin1').toString('base64url')}.${s}`,
  ],
  [
    'C12',
    'alg twice, the last one none',
    'algorithm_refused',
    jws('{"alg":"ES256","typ":"at+jwt","kid":"es256","alg":"none"}'),
  ],
]

for (const [id, name, expected, token] of rows) {
  test(`${id}: a token with ${name} → ${expected}`, async () => {
    assert.equal(await world.outcome({ token }), expected)
  })
}

test('C12: the JSON serialization is no bearer token at all', async () => {
  const headers = ['Authorization', `Bearer ${JSON.stringify({ protected: h, payload: p, signature: s })}`]
  assert.equal(await world.outcome({ headers }), 'authorization_malformed')
})

test('C7: no address that a token names was asked', () => assert.equal(asked, 0))

test('C32: every bad header and signature gets the one answer of a bad token', async () => {
  const answers = new Set<string>()
  for (const [, , expected, token] of rows) {
    if (expected === 'allow') continue
    const { headers, status, body } = world.answer(await world.ask({ token }))
    answers.add(JSON.stringify([status, body, headers['www-authenticate']]))
    assert.equal(status, 401)
  }
  assert.equal(answers.size, 1)
})

test('C9: without a kid, two keys that fit are none', async () => {
  const first = makeKey('ES256', 'first')
  const two = await startGuarded({ keys: [first, makeKey('ES256', 'second')] })
  assert.equal(await two.outcome({ token: two.issuer.sign({ key: first }) }), 'allow')
  assert.equal(
    await two.outcome({ token: two.issuer.sign({ key: { ...first, kid: undefined } }) }),
    'key_unknown',
  )
})

test('C9: with two keys of one kid, each is tried', async () => {
  const twins = [makeKey('ES256', 'same'), makeKey('ES256', 'same')]
  const two = await startGuarded({ keys: twins })
  for (const key of twins) assert.equal(await two.outcome({ token: two.issuer.sign({ key }) }), 'allow')
  assert.equal(
    await two.outcome({ token: two.issuer.sign({ key: { ...stranger, kid: 'same' } }) }),
    'signature_invalid',
  )
})

test('C1: an issuer whose algorithms are listed signs with those only', async () => {
  const own = await startGuarded({
    keys: [{ ...rsa, alg: 'RS512' }, es256],
    optionsOf: ({ issuer: name }) => ({ issuers: [{ issuer: name, algorithms: ['RS512'] }] }),
  })
  assert.equal(await own.outcome({ token: own.issuer.sign() }), 'allow')
  assert.equal(await own.outcome({ token: own.issuer.sign({ key: es256 }) }), 'algorithm_refused')
})

test('an issuer whose clients are listed gives tokens to those only', async () => {
  const own = await startGuarded({
    optionsOf: ({ issuer: name }) => ({ issuers: [{ issuer: name, allowedClients: ['test-client'] }] }),
  })
  assert.equal(await own.outcome({ token: own.issuer.sign() }), 'allow')
  const claims = { client_id: 'test-client-2' }
  assert.equal(await own.outcome({ token: own.issuer.sign({ claims }) }), 'client_refused')
})

test('C5: one entry that makes no sense does not spoil a key set', async () => {
  const odd = ['constructor', '__proto__', 7, null, { toString: 1 }, 'EC'].map((kty) => ({ kty }))
  const own = await startGuarded()
  own.issuer.extraJwks = [null, 7, [], 'EC', ...odd, { kty: 'OKP', crv: 'Ed25519', x: 7 }]
  assert.equal(await own.outcome({ token: own.issuer.sign() }), 'allow')
})

test('C12: parsing never throws, and takes one spelling of a token only', () => {
  const part = fc.oneof(
    fc.base64String().map((text) => text.replaceAll('=', '')),
    fc.json().map(base64url),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const parsed = parseCompactJws(parts.join('.'))
      if (parsed === undefined) return
      const [header = '', payload = '', signature = ''] = parts
      for (const text of [header, payload, signature]) {
        assert.equal(Buffer.from(text, 'base64url').toString('base64url'), text)
      }
      assert.deepEqual(parsed.header, JSON.parse(Buffer.from(header, 'base64url').toString()))
      assert.deepEqual(parsed.claims, JSON.parse(Buffer.from(payload, 'base64url').toString()))
    }),
    rounds(1000),
  )
})

test('a token with any one bit changed is refused', async () => {
  const token = signedBy(es256)
  assert.equal(await world.outcome({ token }), 'allow')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  for (let place = 0; place < token.length; place += 7) {
    const value = alphabet.indexOf(token[place] ?? '')
    if (value === -1) continue
    const changed = token.slice(0, place) + alphabet[value ^ (1 << (place % 6))] + token.slice(place + 1)
    assert.notEqual(await world.outcome({ token: changed }), 'allow', `bit at ${place}`)
  }
})
