import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  fstatSync,
  openSync,
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { completeRevocation } from '#internal/identity/revocations'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  createMemoryRevocations,
  type RevocationStore,
  type RevocationWish,
} from '@mcp-doorman/resource-server'
import { openRevocationFile } from '@mcp-doorman/resource-server/revocation-file'
import { callOf, startGuarded, startTime } from './guarded.ts'
import { callerOf, testRevocationStore } from './revocation-store-contract.ts'
import { startTestIssuer } from './test-issuer.ts'

const folder = mkdtempSync(join(tmpdir(), 'doorman-revocations-'))
after(() => rmSync(folder, { recursive: true }))
let count = 0
const newPath = (): string => join(folder, `${(count += 1)}.jsonl`)

testRevocationStore({
  name: 'in memory',
  open: () => Promise.resolve({ store: createMemoryRevocations(), reopen: undefined }),
})
testRevocationStore({
  name: 'in a file',
  open: () => {
    const path = newPath()
    const reopen = (): Promise<RevocationStore> => Promise.resolve(openRevocationFile(path))
    return Promise.resolve({ store: openRevocationFile(path), reopen })
  },
})

const issuer = 'https://issuer.example'
const alice = { issuer, subject: 'alice', issuedUpTo: startTime }

test('the file is its owner’s alone', () => {
  const path = newPath()
  void openRevocationFile(path).close()
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('half a line at the end was never said to hold, and goes; everything before it stands', async () => {
  const path = newPath()
  const store = openRevocationFile(path)
  await store.add(alice)
  await store.close()
  appendFileSync(path, '{"issuer":"https://iss')
  const again = openRevocationFile(path)
  assert.deepEqual(again.list(), [alice])
  await again.add({ ...alice, subject: 'bob' })
  await again.close()
  const third = openRevocationFile(path)
  assert.equal(third.list().length, 2)
  await third.close()
})

for (const line of [
  'garbage',
  '{}',
  '[]',
  'null',
  '{"issuer":7,"issuedUpTo":1}',
  '{"issuer":"a"}',
  '{"issuer":"a","issuedUpTo":"1"}',
  '{"issuer":"a","issuedUpTo":1,"subject":7}',
  '{"issuer":"a","issuedUpTo":1,"subjects":"x"}',
]) {
  test(`a file with the line ${line} is not opened, and the message names the line`, () => {
    const path = newPath()
    writeFileSync(path, `${JSON.stringify(alice)}\n${line}\n`)
    assert.throws(() => openRevocationFile(path), /jsonl:2 is not a revocation/)
  })
}

test('what a later revocation covers goes when the file is opened', async () => {
  const path = newPath()
  const store = openRevocationFile(path)
  for (let second = 0; second < 10; second += 1) await store.add({ ...alice, issuedUpTo: startTime + second })
  await store.close()
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 11)
  await openRevocationFile(path).close()
  assert.equal(readFileSync(path, 'utf8'), `${JSON.stringify({ ...alice, issuedUpTo: startTime + 9 })}\n`)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

// Runs where a file may have 512 bytes, as on a disk that is full: the line at which it is full is written in part.
const untilFull = `
  import { openRevocationFile } from '@mcp-doorman/resource-server/revocation-file'
  const store = openRevocationFile(process.argv[1])
  let count = 0
  for (; count < 100; count += 1) {
    const failed = await store.add({ issuer: 'i', subject: String(count), issuedUpTo: 1 }).catch((error) => error)
    if (failed !== undefined) console.log(failed.message)
    if (failed !== undefined) break
  }
  console.log(store.list().length)
`

test('a revocation that cannot be written does not hold, says so, and leaves the others as they were', () => {
  const path = newPath()
  const limited = 'trap "" XFSZ; ulimit -f 1; exec "$0" --input-type=module -e "$1" "$2"'
  const printed = execFileSync('sh', ['-c', limited, process.execPath, untilFull, path], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  const [message, held] = printed.trim().split('\n')
  assert.equal(message, `The revocation cannot be kept in ${path}, so it does not hold.`)
  assert.ok(Number(held) > 1)
  const again = openRevocationFile(path)
  assert.equal(again.list().length, Number(held))
  assert.match(readFileSync(path, 'utf8'), /\n$/)
  void again.close()
})

test('a revocation after the file was let go is refused', async () => {
  const store = openRevocationFile(newPath())
  await store.close()
  const path = newPath()
  const other = openSync(path, 'w') // Gets the number of the file that was let go.
  await assert.rejects(store.add(alice), /cannot be kept in .*, which was closed/)
  await store.close()
  assert.equal(fstatSync(other).size, 0, 'neither written to nor closed')
  closeSync(other)
  assert.equal(store.revokes(callerOf()), false)
})

test('there is a bound, and a whole issuer can be revoked beyond it', async () => {
  const store = createMemoryRevocations()
  for (let number = 0; number < 100_000; number += 1)
    await store.add({ issuer, tokenId: `${number}`, issuedUpTo: 0 })
  await assert.rejects(store.add({ issuer, tokenId: 'more', issuedUpTo: 0 }), /room for 100000 revocations/)
  await store.add({ issuer, tokenId: '1', issuedUpTo: 0 })
  await store.add({ issuer, issuedUpTo: startTime })
  assert.equal(store.revokes(callerOf({ issuedAt: startTime })), true)
})

test('D9: a revocation ends a remembered token at once, and a new one is taken', async () => {
  const world = await startGuarded()
  const token = world.issuer.sign()
  assert.equal(await world.outcome({ token }), 'allow')
  const revocation = await world.server.revoke({ subject: 'alice' })
  assert.deepEqual(revocation, { issuer: world.issuer.issuer, subject: 'alice', issuedUpTo: startTime })
  assert.equal(await world.outcome({ token }), 'token_revoked')
  assert.equal(world.answer(await world.ask({ token })).status, 401)
  assert.equal(await world.outcome({ token: world.issuer.sign({ claims: { sub: 'bob' } }) }), 'allow')
  world.clock.now += 1
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'allow')
})

test('D9, C18: a body that is held back gets nothing through after its caller was revoked or its token ended', async () => {
  for (const [end, expected] of [
    ['nothing', 'allow'],
    ['revocation', 'token_revoked'],
    ['expiry', 'token_expired'],
  ] as const) {
    const world = await startGuarded({ options: { revocations: createMemoryRevocations() } })
    const token = world.issuer.sign()
    const decision = await world.ask({
      token,
      readBody: async () => {
        if (end === 'revocation') await world.server.revoke({ subject: 'alice' })
        if (end === 'expiry') world.clock.now += 100_000
        return Buffer.from(JSON.stringify(callOf('read_file')))
      },
    })
    assert.equal(decision.granted ? 'allow' : decision.denial.code, expected)
  }
})

test('D9: a token is revoked by its id, also before it was ever seen', async () => {
  const world = await startGuarded()
  await world.server.revoke({ tokenId: 'stolen' })
  assert.equal(
    await world.outcome({ token: world.issuer.sign({ claims: { jti: 'stolen' } }) }),
    'token_revoked',
  )
  assert.equal(await world.outcome({ token: world.issuer.sign({ claims: { jti: 'mine' } }) }), 'allow')
})

test('D9: what a token has opened is told at once', async () => {
  const world = await startGuarded()
  const ends: string[] = []
  for (const subject of ['alice', 'bob']) {
    const decision = await world.ask({ token: world.issuer.sign({ claims: { sub: subject } }) })
    assert.ok(decision.granted)
    world.server.watch(decision.identity, (reason) => ends.push(`${subject} ${reason}`))
  }
  await world.server.revoke({ subject: 'alice' })
  assert.deepEqual(ends, ['alice revoked'])
  await world.server.revoke({})
  assert.deepEqual(ends, ['alice revoked', 'bob revoked'], 'each once')
})

test('D9: what began while it was revoked ends as well, and what is no longer watched is not told', async () => {
  const world = await startGuarded()
  const decision = await world.ask({ token: world.issuer.sign() })
  assert.ok(decision.granted)
  const ends: string[] = []
  world.server.watch(decision.identity, () => assert.fail('nobody watches'))()
  await world.server.revoke({ subject: 'alice' })
  const told = new Promise<void>((resolve) => {
    world.server.watch(decision.identity, (reason) => {
      ends.push(reason)
      resolve()
    })
  })
  assert.deepEqual(ends, [], 'not within the call')
  await told
  assert.deepEqual(ends, ['revoked'])
})

test('while revocations cannot be looked up, nothing is allowed and what is open ends', async () => {
  let broken = false
  const memory = createMemoryRevocations()
  const revocations: RevocationStore = {
    ...memory,
    revokes: (identity) => (broken ? assert.fail('the store is away') : memory.revokes(identity)),
  }
  const world = await startGuarded({ options: { revocations } })
  const decision = await world.ask({ token: world.issuer.sign() })
  assert.ok(decision.granted)
  const ends: string[] = []
  world.server.watch(decision.identity, (reason) => ends.push(reason))
  broken = true
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'state_unavailable')
  const { status, headers } = world.answer(await world.ask({ token: world.issuer.sign() }))
  assert.deepEqual([status, headers['retry-after']], [503, '5'])
  await memory.add({ issuer: world.issuer.issuer, subject: 'bob', issuedUpTo: 0 })
  assert.deepEqual(ends, ['revoked'])
})

test('a revocation is recorded, with names and no more', async () => {
  const world = await startGuarded()
  await world.server.revoke({ subject: 'alice\u202e', clientId: 'c' })
  await world.server.revoke({ tokenId: 't' })
  const [first, second] = world.records()
  const time = new Date(startTime * 1000).toISOString()
  assert.deepEqual(first, {
    kind: 'revocation',
    time,
    issuer: world.issuer.issuer,
    subject: 'alice\u202e',
    client: 'c',
    issuedUpTo: time,
  })
  assert.match(world.sink.lines[0] ?? '', /\\u202e/, 'K4')
  assert.deepEqual(second, { kind: 'revocation', time, issuer: world.issuer.issuer, token: 't' })
  assert.equal(world.server.revocations().length, 2)
})

const wishes: readonly (readonly [name: string, wish: RevocationWish, message: RegExp])[] = [
  [
    'an unknown issuer',
    { issuer: 'https://else.example' },
    /"https:\/\/else\.example" is no issuer here\. Name one: http/,
  ],
  ['an empty subject', { subject: '' }, /"subject" must be a string of 1 to 1024/],
  ['a subject that is too long', { subject: 'x'.repeat(1025) }, /"subject"/],
  ['an empty client', { clientId: '' }, /"clientId"/],
  ['an empty token', { tokenId: '' }, /"tokenId"/],
  ['a token and a subject', { tokenId: 'a', subject: 'b' }, /by its id alone/],
  ['a token and a client', { tokenId: 'a', clientId: 'b' }, /by its id alone/],
  ['a token and a time', { tokenId: 'a', issuedUpTo: 1 }, /by its id alone/],
  ['a time in the future', { issuedUpTo: startTime + 1 }, /must not lie in the future/],
  ['a time in milliseconds', { issuedUpTo: startTime * 1000 }, /in seconds since 1970/],
  ['a time that is none', { issuedUpTo: Number.NaN }, /in seconds/],
  ['a time before all', { issuedUpTo: -1 }, /in seconds/],
]
for (const [name, wish, message] of wishes) {
  test(`a revocation with ${name} is refused, and nothing is revoked`, async () => {
    const world = await startGuarded()
    await assert.rejects(
      world.server.revoke(wish),
      (error) => error instanceof TypeError && message.test(error.message),
    )
    assert.deepEqual(world.server.revocations(), [])
    assert.deepEqual(world.records(), [])
  })
}

test('with several issuers, one must be named', async () => {
  const other = await startTestIssuer({ audience: 'x' })
  after(() => other.close())
  const world = await startGuarded({
    optionsOf: ({ issuer: own }) => ({ issuers: [{ issuer: own }, { issuer: other.issuer }] }),
  })
  await assert.rejects(world.server.revoke({ subject: 'alice' }), /^TypeError: Name the issuer: http/)
  await world.server.revoke({ subject: 'alice', issuer: other.issuer })
  assert.equal(await world.outcome({ token: world.issuer.sign() }), 'allow')
})

test('a time in words is refused, since a file with it could not be opened again', () => {
  const wish = { issuedUpTo: '5' as unknown as number }
  assert.throws(() => completeRevocation(wish, [issuer], startTime), /seconds since 1970/)
  assert.equal(completeRevocation({ issuedUpTo: 5 }, [issuer], startTime).issuedUpTo, 5)
})
