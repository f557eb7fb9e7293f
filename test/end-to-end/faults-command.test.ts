/** `doorman dev` with users of a file, and `doorman dev fault`. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openLab } from './doorman-process.ts'
import { getJson } from './mcp-wire.ts'
import { startDev } from './protected-servers.ts'

const lab = openLab({ after })
const users = join(lab.makeFolder(), 'users.yaml')
writeFileSync(
  users,
  'users:\n  - {name: alice, password: a}\n  - {name: carol, password: c, mayConsentTo: [files:list]}\n',
)
const dev = await startDev(lab, { words: ['--users', users, '--seed', '7'] })
const state = ['--state', dev.state]

async function fault(...words: readonly string[]): Promise<readonly [code: number | null, said: string]> {
  const { code, stdout, stderr } = await lab.run(['dev', 'fault', ...words, ...state])
  return [code, stdout + stderr]
}

test('the users of the file are those of the issuer, with their limits', async () => {
  assert.match(dev.process.stdout(), /alice \(password a\), carol \(password c\)/)
  const issue = (user: string, scope: string): ReturnType<typeof lab.run> =>
    lab.run(['token', 'issue', ...state, '--user', user, '--scope', scope])
  assert.equal((await issue('carol', 'files:list')).code, 0)
  const refused = await issue('carol', 'files:read')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /carol may not give the scope files:read\.$/m)
  assert.equal((await issue('bob', 'files:list')).code, 1)
})

test('a fault is switched on, shown, and off, by the command', async () => {
  assert.deepEqual(await fault('on', 'iss', 'mode=send-only'), [
    0,
    'on  iss  announces and sends iss in other combinations than both: mode=send-only (CF11, CF12, CF13, CF14)\n',
  ])
  const metadata = `${dev.issuer}/.well-known/oauth-authorization-server`
  assert.equal((await getJson(metadata)).body['authorization_response_iss_parameter_supported'], false)
  const [, list] = await fault('list')
  assert.match(list, /^on {2}iss /)
  assert.match(list, /^ {4}slow +takes its time/m)
  const [, one] = await fault('list', 'iss')
  assert.match(
    one,
    /^iss: the issuer announces[^]*It is on: mode=send-only\.[^]*CF11 +Gemini[^]*one of off, send-only/,
  )
  const [, json] = await fault('list', 'iss', '--json')
  assert.deepEqual(JSON.parse(json)[0].on, { mode: 'send-only' })

  assert.deepEqual(await fault('off', 'iss'), [0, 'No fault is on.\n'])
  await fault('on', 'slow')
  assert.deepEqual(await fault('clear'), [0, 'No fault is on.\n'])
  assert.equal((await getJson(metadata)).body['authorization_response_iss_parameter_supported'], true)
})

for (const { words, says } of [
  { words: ['on', 'nothing'], says: /There is no fault "nothing"\. Known: slow, hanging/ },
  { words: ['on', 'slow', 'seconds'], says: /"seconds" is no parameter\. Write name=value/ },
  {
    words: ['on', 'slow', 'seconds=x', 'at=kitchen'],
    says: /^at: must be one or more of[^]*^seconds: must be/m,
  },
  { words: ['list', 'nothing'], says: /There is no fault nothing\./ },
  { words: ['on'], says: /missing required argument/ },
]) {
  test(`doorman dev fault ${words.join(' ')} is wrong usage, and says why`, async () => {
    const [code, said] = await fault(...words)
    assert.equal(code, 2)
    assert.match(said, says)
  })
}

test('without an issuer that runs, the command says where it looked', async () => {
  const folder = lab.makeFolder()
  const { code, stderr } = await lab.run(['dev', 'fault', 'list', '--state', folder])
  assert.equal(code, 1)
  assert.ok(stderr.includes(`No development issuer runs with the state folder ${folder}`))
})

test('a file of users with mistakes ends the start with all of them', async () => {
  const bad = join(lab.makeFolder(), 'users.yaml')
  writeFileSync(bad, 'users:\n  - {name: a}\n  - {nam: b, password: c}\n')
  const { code, stderr } = await lab.run(['dev', '--users', bad])
  assert.equal(code, 2)
  assert.match(
    stderr,
    /yaml:2:5 {2}users\[0\]\.password: is missing[^]*yaml:3:6 {2}users\[1\]\.nam: is unknown/,
  )
})

test('in production neither the issuer nor its faults start', async () => {
  const { code, stderr } = await lab.run(['dev'], { env: { NODE_ENV: 'production' } })
  assert.equal(code, 1)
  assert.match(stderr, /does not start in production/)
})
