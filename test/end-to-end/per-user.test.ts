import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { verifyChain } from '@mcp-doorman/resource-server/audit-log'
import { openLab } from './doorman-process.ts'
import { signToken, startHandMadeIssuer } from './hand-made-issuer.ts'
import {
  callTool,
  forms,
  getJson,
  listTools,
  memberOf,
  resultOf,
  type Json,
  type WireAnswer,
} from './mcp-wire.ts'
import { allScopes, chooseDevPlace, startDev, startFiles } from './protected-servers.ts'

const lab = openLab({ after })
const everything = allScopes.join(' ')
const write = (path: string, content: string): { name: string; arguments: Json } => ({
  name: 'write_file',
  arguments: { path, content },
})
const paths = (answer: WireAnswer): readonly unknown[] => {
  const entries = memberOf(resultOf(answer), 'structuredContent', 'entries')
  assert.ok(Array.isArray(entries))
  return entries.map((entry) => memberOf(entry, 'path'))
}
const folderOf = (issuer: string, subject: string): string =>
  createHash('sha256').update(`${issuer}\0${subject}`).digest('hex')

test('E19: --per-user: alice and bob never see files of each other, nor of the directory itself', async () => {
  const dev = await startDev(lab, { words: ['--per-user'] })
  const [alice, bob] = [
    await dev.token({ scope: everything }),
    await dev.token({ user: 'bob', scope: everything }),
  ]
  const list = { name: 'list_files', arguments: { depth: 16, hidden: true } }
  assert.deepEqual(paths(await callTool(dev.url, alice, list)), [])
  resultOf(await callTool(dev.url, alice, write('diary.txt', 'of alice')))
  resultOf(await callTool(dev.url, bob, write('diary.txt', 'of bob')))
  resultOf(await callTool(dev.url, bob, write('only-bob/note.txt', 'hidden from alice')))

  const [homeOfAlice, homeOfBob] = [folderOf(dev.issuer, 'alice'), folderOf(dev.issuer, 'bob')]
  assert.deepEqual(paths(await callTool(dev.url, alice, list)), ['diary.txt'])
  assert.deepEqual(paths(await callTool(dev.url, bob, list)), ['diary.txt', 'only-bob', 'only-bob/note.txt'])
  for (const [token, text] of [
    [alice, 'of alice'],
    [bob, 'of bob'],
  ] as const) {
    const read = await callTool(dev.url, token, { name: 'read_file', arguments: { path: 'diary.txt' } })
    assert.equal(memberOf(resultOf(read), 'structuredContent', 'text'), text)
  }
  for (const path of [
    `../${homeOfBob}/diary.txt`,
    `${homeOfBob}/diary.txt`,
    'notes.txt',
    'only-bob/note.txt',
  ]) {
    const stolen = await callTool(dev.url, alice, { name: 'read_file', arguments: { path } })
    assert.equal(memberOf(stolen.body, 'result', 'isError'), true, stolen.text)
  }

  const made = readdirSync(dev.folder).filter((name) => /^[0-9a-f]{64}$/.test(name))
  assert.deepEqual(made.toSorted(), [homeOfAlice, homeOfBob].toSorted())
  for (const name of made) assert.equal(statSync(join(dev.folder, name)).mode & 0o777, 0o700)
  assert.equal(readFileSync(join(dev.folder, homeOfBob, 'only-bob/note.txt'), 'utf8'), 'hidden from alice')
})

test('row 64: whatever a subject looks like, it has one folder of its own below the directory', async () => {
  const issuer = await startHandMadeIssuer(lab)
  const other = await startHandMadeIssuer(lab)
  const server = await startFiles(lab, {
    folder: lab.makeFolder(),
    words: ['--issuer', issuer.issuer, '--issuer', other.issuer, '--per-user'],
  })
  const tokenOf = (sub: unknown, { issuer: iss, key } = issuer): string =>
    signToken(key, { iss, aud: server.url, sub, scope: everything })
  const call = (token: string): Promise<WireAnswer> => callTool(server.url, token, write('mine.txt', 'x'))

  for (const sub of [undefined, '', 7, ['alice']]) {
    assert.equal((await call(tokenOf(sub))).status, 401)
  }
  const subjects = ['../../x', 'a/b', 'a', 'A', '.', 'e\u0301', '\u00e9', 'x'.repeat(10_000), 'a\nb']
  for (const sub of subjects) {
    const token = tokenOf(sub)
    assert.deepEqual(paths(await callTool(server.url, token, { name: 'list_files' })), [])
    resultOf(await call(token))
  }
  resultOf(await call(tokenOf('a', other)))
  const expected = [...subjects.map((sub) => folderOf(issuer.issuer, sub)), folderOf(other.issuer, 'a')]
  assert.deepEqual(readdirSync(server.folder).toSorted(), expected.toSorted())
})

test('I10: --read-only offers no tool that writes, and knows no scope for it', async () => {
  const dev = await startDev(lab, { words: ['--read-only'] })
  await assert.rejects(dev.token({ scope: everything }))
  const token = await dev.token({ scope: 'files:list files:read' })
  const tools = memberOf((await listTools(dev.url, token)).body, 'result', 'tools')
  assert.ok(Array.isArray(tools))
  assert.deepEqual(
    tools.map((tool) => memberOf(tool, 'name')),
    ['read_file', 'list_files', 'search_files'],
  )
  const metadata = await getJson(`${dev.origin}/.well-known/oauth-protected-resource/mcp`)
  assert.deepEqual(metadata.body['scopes_supported'], ['files:list', 'files:read'])

  const before = readdirSync(dev.folder)
  for (const form of forms) {
    const answer = await callTool(dev.url, token, write('x', 'x'), form)
    if (form === 'plain') assert.deepEqual([answer.status, answer.body['error']], [404, 'unknown_tool'])
    else assert.equal(memberOf(answer.body, 'error', 'code'), -32602)
    const unknown = await callTool(dev.url, token, { name: 'no_such_tool' }, form)
    assert.equal(answer.text.replaceAll('write_file', 'no_such_tool'), unknown.text)
  }
  assert.deepEqual(readdirSync(dev.folder), before)
})

test('--limit 5/min: the sixth message of a caller gets 429, the first of another does not', async () => {
  const dev = await startDev(lab, { words: ['--limit', '5/min'] })
  const alice = await dev.token({ scope: everything })
  const list = { name: 'list_files', id: 'the sixth' }
  for (let count = 0; count < 5; count += 1) resultOf(await callTool(dev.url, alice, list))

  const before = readdirSync(dev.folder)
  const sixth = await callTool(dev.url, alice, { ...write('x', 'x'), id: 'the sixth' })
  assert.equal(sixth.status, 429)
  const seconds = Number(sixth.headers.get('retry-after'))
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 12, `Retry-After: ${seconds}`)
  assert.equal(sixth.body['id'], 'the sixth')
  assert.equal(memberOf(sixth.body, 'error', 'code'), 429)
  assert.deepEqual(readdirSync(dev.folder), before)
  const modern = await callTool(dev.url, alice, list, '2026-07-28')
  assert.deepEqual(
    [modern.status, memberOf(modern.body, 'error', 'code'), modern.body['id']],
    [429, 429, 'the sixth'],
  )
  assert.equal((await callTool(dev.url, alice, list, 'plain')).body['error'], 'rate_limited')

  resultOf(await callTool(dev.url, await dev.token({ user: 'bob', scope: everything }), list))
  assert.equal((await callTool(dev.url, undefined, list)).status, 401)
  for (let count = 0; count < 8; count += 1) {
    assert.equal((await getJson(`${dev.origin}/.well-known/oauth-protected-resource/mcp`)).status, 200)
  }
})

test('--audit keeps one chain over restarts, of every decision and outcome; a changed line breaks it', async () => {
  const path = join(lab.makeFolder(), 'records.jsonl')
  const words = ['--audit', path]
  for (const round of [1, 2]) {
    const dev = await startDev(lab, { words })
    const token = await dev.token({ scope: everything })
    resultOf(await callTool(dev.url, token, write(`round-${round}.txt`, 'x')))
    resultOf(await callTool(dev.url, token, { name: 'list_files' }))
    assert.equal((await callTool(dev.url, undefined, { name: 'list_files' })).status, 401)
    const ended = await dev.process.stop()
    assert.deepEqual([ended.code, ended.stderr], [0, ''], 'records go to the file and nowhere else')
  }
  assert.equal(statSync(path).mode & 0o777, 0o600)

  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  const check = await verifyChain(lines)
  assert.ok(check.ok)
  assert.deepEqual([check.records, check.unsealed], [10, 0])
  const kinds = lines.map((line) => memberOf(JSON.parse(line), 'kind'))
  assert.equal(kinds.filter((kind) => kind === 'decision').length, 6)
  assert.equal(kinds.filter((kind) => kind === 'outcome').length, 4)

  const changed = lines.map((line) => line.replace('"subject":"alice"', '"subject":"bobby"'))
  assert.equal((await verifyChain(changed)).ok, false)
  assert.equal((await verifyChain(lines.filter((line) => !line.includes('token_missing')))).ok, false)
})

test('the directory may hold the state folder: nobody sees the keys and the secret in it', async () => {
  const place = await chooseDevPlace(lab)
  const { folder } = place
  const dev = await startDev(lab, {}, { ...place, state: join(folder, '.doorman') })
  assert.ok(readdirSync(join(folder, '.doorman')).includes('signing-keys.json'))
  const token = await dev.token({ scope: everything })
  for (const path of ['.doorman/issuer.json', '.doorman/signing-keys.json', '.DOORMAN/issuer.json']) {
    for (const name of ['read_file', 'write_file', 'list_files']) {
      const args = name === 'write_file' ? { path, content: 'x' } : { path }
      const answer = await callTool(dev.url, token, { name, arguments: args })
      assert.match(answer.text, /invalid_path/, `${name} ${path}`)
    }
  }
  const list = await callTool(dev.url, token, { name: 'list_files', arguments: { hidden: true, depth: 3 } })
  assert.ok(!paths(list).some((path) => String(path).includes('doorman')))
})
