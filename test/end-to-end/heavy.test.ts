import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryOf, Place } from './attack-place.ts'
import { openLab } from './doorman-process.ts'
import { signToken, startHandMadeIssuer } from './hand-made-issuer.ts'
import { callTool, memberOf, resultOf, type Json } from './mcp-wire.ts'
import { allScopes, startFiles } from './protected-servers.ts'

const lab = openLab({ after })
const place = new Place()
lab.keep(() => place.remove())
const issuer = await startHandMadeIssuer(lab)
const words = [
  '--issuer',
  issuer.issuer,
  '--limit',
  'off',
  '--audit',
  join(lab.makeFolder(), 'records.jsonl'),
]
const server = await startFiles(lab, { folder: place.root, words })
const mebibyte = 1024 * 1024

const tokenOf = (sub: string): string =>
  signToken(issuer.key, { iss: issuer.issuer, aud: server.url, sub, scope: allScopes.join(' ') })
const [busy, other] = [tokenOf('busy'), tokenOf('other')]

async function call(name: string, args: Json): Promise<Json> {
  const result = resultOf(await callTool(server.url, busy, { name, arguments: args }, '2026-07-28'))
  const fields = memberOf(result, 'structuredContent')
  assert.ok(typeof fields === 'object' && fields !== null)
  return { ...fields }
}

function makeLarge(name: string, mebibytes: number, block: Buffer | undefined): void {
  const fd = openSync(place.at(name), 'w')
  if (block === undefined) ftruncateSync(fd, mebibytes * mebibyte)
  else for (let at = 0; at < mebibytes; at++) writeSync(fd, block)
  closeSync(fd)
}

test('huge files and directories cost little memory, and hold up neither their first page nor other callers', async (t) => {
  makeLarge('sparse', 600, undefined)
  writeFileSync(place.at('lines'), 'head line\n'.repeat(20_000))
  const fd = openSync(place.at('lines'), 'r+')
  ftruncateSync(fd, 600 * mebibyte)
  closeSync(fd)
  makeLarge('one-line', 100, Buffer.alloc(mebibyte, 'x'))
  mkdirSync(place.at('many'))
  for (let at = 0; at < 50_000; at++) writeFileSync(place.at(`many/${at}`), 'nothing\n')
  const plain = { name: 'read_file', arguments: { path: 'plain.txt' } }
  for (let warm = 0; warm < 200; warm++) resultOf(await callTool(server.url, other, plain, '2026-07-28'))

  let most = 0
  /** Reads of another caller, two at a time, until what runs meanwhile has ended. */
  async function othersDuring(work: Promise<unknown>): Promise<readonly number[]> {
    const state = { working: true }
    const ended = work.finally(() => (state.working = false))
    const waits: number[] = []
    const read = async (): Promise<void> => {
      while (state.working) {
        const started = performance.now()
        resultOf(await callTool(server.url, other, plain, '2026-07-28'))
        waits.push(performance.now() - started)
        most = Math.max(most, memoryOf(server.process.pid))
      }
    }
    await Promise.all([ended, read(), read()])
    return waits.toSorted((a, b) => a - b)
  }
  // What the machine, which may be busy with other things, makes of it while nothing happens.
  const idle = await othersDuring(sleep(1000))
  const before = memoryOf(server.process.pid)
  most = before
  const firstPages: Record<string, number> = {}
  const time = async (name: string, args: Json): Promise<Json> => {
    const started = performance.now()
    const fields = await call(name, args)
    firstPages[`${name} ${String(args['path'])}`] = Math.round(performance.now() - started)
    return fields
  }
  const work = async (): Promise<void> => {
    assert.equal((await time('read_file', { path: 'lines' }))['last_line'], 1000)
    const { next_cursor: cursor } = await time('read_file', { path: 'one-line' })
    await call('read_file', { path: 'one-line', cursor })
    assert.equal(
      String((await time('list_files', { path: 'many' }))['next_cursor']).startsWith('many/'),
      true,
    )
    await call('read_file', { path: 'one-line', line: -1, limit: 1 })
    // It ends after its budget of time at the latest, and says where to go on.
    const found = await call('search_files', { query: 'absent', path: 'many' })
    assert.ok(Number(found['files_searched']) > 1000, JSON.stringify(found))
    if (found['files_searched'] !== 50_000) assert.match(String(found['next_cursor']), /^0:many\//)
    const blocked = await callTool(
      server.url,
      busy,
      { name: 'read_file', arguments: { path: 'sparse' } },
      '2026-07-28',
    )
    assert.match(blocked.text, /too_large/)
  }
  const waits = await othersDuring(work().then(work))

  const [idleP99, p99] = [p99Of(idle), p99Of(waits)]
  t.diagnostic(
    `memory +${Math.round((most - before) / mebibyte)} MiB; first pages ${JSON.stringify(firstPages)} ms; others: ` +
      `${waits.length} calls, p99 ${p99.toFixed(1)} ms, worst ${waits.at(-1)?.toFixed(1)} ms; idle p99 ${idleP99.toFixed(1)} ms`,
  )
  assert.ok(most - before < 64 * mebibyte, `${most - before} bytes more`)
  for (const [page, ms] of Object.entries(firstPages)) assert.ok(ms < 1000, `${page}: ${ms} ms`)
  assert.ok(waits.length > 100 && p99 < Math.max(100, 8 * idleP99), `p99 ${p99} ms, ${idleP99} ms when idle`)
})

function p99Of(ordered: readonly number[]): number {
  return ordered[Math.floor(ordered.length * 0.99)] ?? Infinity
}
