import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  createLineSink,
  openAuditFile,
  verifyChain,
  type ChainCheck,
} from '@mcp-doorman/resource-server/audit-log'
import { formatSeal } from '#internal/audit-log/chain'
import { callOf, startGuarded } from './guarded.ts'

const folder = mkdtempSync(join(tmpdir(), 'doorman-audit-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
function newPath(): string {
  files += 1
  return join(folder, `audit-${files}.jsonl`)
}

function noFailure(reason: string): void {
  throw new Error(`nothing may fail here: ${reason}`)
}

/** Writes each batch with a process's whole life around it. */
async function writeBatches(path: string, batches: readonly (readonly string[])[]): Promise<void> {
  for (const batch of batches) {
    const sink = openAuditFile({ path, onFailure: noFailure })
    for (const line of batch) sink.write(line)
    await sink.close()
  }
}

function linesOf(path: string): readonly string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1)
}

function check(path: string): Promise<ChainCheck> {
  return verifyChain(linesOf(path))
}

test('a log that grew over several lives verifies, and is for its owner only', async () => {
  const path = newPath()
  await writeBatches(path, [['{"a":1}', '{"a":2}'], ['{"a":3}'], []])
  const checked = await check(path)
  assert.ok(checked.ok)
  assert.deepEqual([checked.records, checked.unsealed], [3, 0])
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('an empty log, and one that does not end in a line, verify for what they are', async () => {
  const empty = await verifyChain([])
  assert.deepEqual(empty, { ok: true, records: 0, unsealed: 0, lastHash: '' })
  assert.deepEqual(await verifyChain(['{"a":1}']), { ok: true, records: 1, unsealed: 1, lastHash: '' })
})

test('every change, removal, insertion and swap of a line is noticed', async () => {
  const path = newPath()
  await writeBatches(path, [['{"a":1}', '{"a":2}'], ['{"a":3}'], ['{"a":4}', '{"a":5}', '{"a":6}']])
  const lines = linesOf(path)
  const whole = await verifyChain(lines)
  assert.ok(whole.ok)
  /** What is noticed without knowing the last hash, and what only with it or by a count of what is unsealed. */
  const noticed = (checked: ChainCheck): boolean =>
    !checked.ok || checked.unsealed > 0 || checked.lastHash !== whole.lastHash
  for (const [place, line] of lines.entries()) {
    const changes: Readonly<Record<string, readonly string[]>> = {
      changed: lines.with(
        place,
        line.replace(/[0-9]/, (digit) => String((Number(digit) + 1) % 10)),
      ),
      'with a space': lines.with(place, `${line} `),
      emptied: lines.with(place, ''),
      removed: lines.toSpliced(place, 1),
      doubled: lines.toSpliced(place, 0, line),
      preceded: lines.toSpliced(place, 0, '{"a":9}'),
      'preceded by nothing': lines.toSpliced(place, 0, ''),
    }
    for (const [change, changed] of Object.entries(changes)) {
      const checked = await verifyChain(changed)
      assert.ok(noticed(checked), `line ${place + 1} ${change}`)
      // Only the very last seal has nothing after it that would show the change.
      const isLastSeal =
        place === lines.length - 1 &&
        (change === 'removed' || change === 'changed' || change === 'with a space' || change === 'emptied')
      if (!isLastSeal) assert.ok(!checked.ok, `line ${place + 1} ${change}, by the chain alone`)
    }
    for (const [other, otherLine] of lines.entries()) {
      if (other === place || otherLine === line) continue
      assert.ok(
        noticed(await verifyChain(lines.with(place, otherLine).with(other, line))),
        `lines ${place + 1} and ${other + 1} swapped`,
      )
    }
  }
})

test('whole batches cannot be taken out, moved or repeated', async () => {
  const path = newPath()
  await writeBatches(path, [['{"a":1}'], ['{"a":2}'], ['{"a":3}']])
  const [one = [], two = [], three = []] = [0, 2, 4].map((place) => linesOf(path).slice(place, place + 2))
  for (const changed of [
    [...two, ...three],
    [...one, ...three],
    [...one, ...three, ...two],
    [...one, ...one, ...two, ...three],
  ]) {
    assert.equal((await verifyChain(changed)).ok, false)
  }
})

test('a bad seal is named by its line', async () => {
  const path = newPath()
  await writeBatches(path, [['{"a":1}'], ['{"a":2}'], ['{"a":3}']])
  assert.deepEqual(await verifyChain(linesOf(path).with(2, '{"a":7}')), { ok: false, line: 4 })
})

test('a seal that nobody computed is no seal', async () => {
  const { line } = formatSeal('', 1, Buffer.from('{"a":1}\n'))
  assert.equal((await verifyChain(['{"a":1}', line])).ok, true)
  assert.equal(
    (await verifyChain(['{"a":1}', line.replace(/"hash":"./, '"hash":"g')])).ok,
    true,
    'it is a line that is not sealed',
  )
  assert.equal((await verifyChain(['{"a":2}', line])).ok, false)
  assert.equal((await verifyChain([line])).ok, false)
})

const childSource = `
  import { openAuditFile } from '@mcp-doorman/resource-server/audit-log'
  const sink = openAuditFile({ path: process.argv[1], onFailure: (reason) => { console.log(reason) } })
  let count = 0
  const write = () => {
    for (let turn = 0; turn < 100; turn += 1) sink.write(JSON.stringify({ count: count++ }))
    if (count === 2000) console.log('enough')
    setImmediate(write)
  }
  write()
`

test('a writer that is killed loses nothing that was sealed, and the next one goes on from there', async () => {
  const path = newPath()
  for (let life = 0; life < 2; life += 1) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', childSource, path], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const checked = await check(path)
    assert.ok(checked.ok && checked.records >= 1024)
  }
  const before = await check(path)
  await writeBatches(path, [['{"kind":"after"}']])
  const checked = await check(path)
  assert.ok(before.ok && checked.ok)
  assert.deepEqual([checked.records, checked.unsealed], [before.records + 1, 0])
})

for (const [name, tail] of [
  ['a whole line', '{"a":2}\n'],
  ['half a line', '{"a":'],
  ['half a seal', '{"kind":"seal","lines":1,"ha'],
  ['bytes that are no text', Buffer.from([0x7b, 0xff, 0xc3])],
] as const) {
  test(`a log that ends in ${name} is sealed as it stands and goes on`, async () => {
    const path = newPath()
    await writeBatches(path, [['{"a":1}']])
    appendFileSync(path, tail)
    await writeBatches(path, [['{"a":3}']])
    const checked = await check(path)
    assert.ok(checked.ok)
    assert.deepEqual([checked.records, checked.unsealed], [3, 0])
    assert.equal(linesOf(path).at(-2), '{"a":3}')
  })
}

test('a second writer is noticed, and stops: the log stays whole', async () => {
  const path = newPath()
  const reasons: string[] = []
  const first = openAuditFile({ path, onFailure: noFailure })
  const second = openAuditFile({ path, onFailure: (reason) => void reasons.push(reason) })
  for (let count = 0; count < 256; count += 1) first.write(`{"first":${count}}`)
  for (let count = 0; count < 256; count += 1) second.write(`{"second":${count}}`)
  assert.equal(first.available(), true)
  assert.equal(second.available(), false)
  assert.match(reasons.join(), /was changed, moved or removed by someone else/)
  for (let count = 0; count < 256; count += 1) first.write(`{"first":${count}}`)
  await second.close()
  await first.close()
  const checked = await check(path)
  assert.ok(checked.ok)
  assert.equal(checked.records, 512)
})

for (const [what, take] of [
  ['removed', (path: string) => unlinkSync(path)],
  ['replaced', (path: string) => (unlinkSync(path), writeFileSync(path, ''))],
  ['moved away', (path: string) => renameSync(path, `${path}.old`)],
] as const) {
  test(`a log that was ${what} is noticed, and requests are denied rather than recorded out of sight`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const path = newPath()
    const reasons: string[] = []
    const sink = openAuditFile({ path, onFailure: (reason) => void reasons.push(reason) })
    take(path)
    for (let count = 0; count < 256; count += 1) sink.write(`{"a":${count}}`)
    assert.equal(sink.available(), false)
    assert.match(reasons.join(), /moved or removed by someone else/)
    await sink.close()
  })
}

test('what is no regular file is refused, and nothing is left open', () => {
  const open = (path: string) => (): unknown => openAuditFile({ path, onFailure: noFailure })
  const link = newPath()
  symlinkSync(newPath(), link)
  assert.throws(open(link), /ELOOP/)
  assert.throws(open(folder), /EISDIR/)
  assert.throws(open('/dev/null'), /\/dev\/null is not a regular file/)
  assert.throws(open(join(folder, 'none', 'log')), /ENOENT/)
  const descriptors = (): number => readdirSync('/dev/fd').length
  const before = descriptors()
  for (let count = 0; count < 20; count += 1) assert.throws(open('/dev/null'))
  assert.equal(descriptors(), before)
})

test('a closed log takes nothing, says so, and may be closed again', async () => {
  const path = newPath()
  const sink = openAuditFile({ path, onFailure: noFailure })
  sink.write('{"a":1}')
  await sink.close()
  await sink.close()
  sink.write('{"a":2}')
  assert.equal(sink.available(), false)
  assert.equal(linesOf(path).length, 2)
})

test(
  'K6: a server whose log cannot be written denies, says why once, and recovers by itself',
  { timeout: 20_000 },
  async () => {
    const path = newPath()
    const reasons: string[] = []
    let tell = (): void => undefined
    const failed = new Promise<void>((resolve) => (tell = resolve))
    const audit = openAuditFile({
      path,
      onFailure: (reason) => {
        reasons.push(reason)
        tell()
      },
    })
    const world = await startGuarded({ options: { audit } })
    const request = { token: world.issuer.sign(), body: callOf('read_file') }
    assert.ok((await world.ask(request)).granted)

    const kept = readFileSync(path, 'utf8')
    writeFileSync(path, `${kept}somebody else was here\n`) // From here on the file is not what the writer left.
    await world.ask(request)
    await failed
    const denied = await world.ask(request)
    assert.ok(!denied.granted && denied.denial.code === 'audit_unavailable')
    assert.equal(reasons.length, 1)

    writeFileSync(path, kept)
    for (;;) {
      const decision = await world.ask(request)
      if (decision.granted) break
      await new Promise((resolve) => void setTimeout(resolve, 50))
    }
    await world.server.close()
    const checked = await check(path)
    assert.ok(checked.ok && checked.records > 3, 'what was decided meanwhile is recorded too')
  },
)

test('records on a descriptor are lines, and a reader who is gone makes the sink unavailable', async () => {
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `
      import { createLineSink } from '@mcp-doorman/resource-server/audit-log'
      const sink = createLineSink(1)
      for (let count = 0; count < 300; count += 1) sink.write(JSON.stringify({ count }))
      process.stderr.write(String(sink.available()))
      process.stdin.once('data', () => {
        for (let count = 0; count < 300; count += 1) sink.write(JSON.stringify({ count }))
        process.stderr.write(String(sink.available()))
        process.exit(0)
      })
    `,
    ],
    { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()))
  const [first] = (await once(child.stdout, 'data')) as [Buffer] // What the event carries.
  assert.ok(first.toString().startsWith('{"count":0}\n{"count":1}\n'))
  child.stdout.destroy()
  await once(child.stdout, 'close')
  child.stdin.end('go')
  await once(child, 'exit')
  assert.equal(said, 'truefalse')
})

test('a line sink on a closed descriptor is unavailable', () => {
  const sink = createLineSink(999_999)
  for (let count = 0; count < 256; count += 1) sink.write('{}')
  assert.equal(sink.available(), false)
})
