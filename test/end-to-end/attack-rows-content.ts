/** Attacks by size, encoding and number: what is in files, and many calls at once. */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { repeats } from '../rounds.ts'
import { memoryOf, ticksOf } from './attack-place.ts'
import type { Attack } from './attack-rows-paths.ts'
import type { Session } from './attack-transports.ts'
import { memberOf, modernCall } from './mcp-wire.ts'

async function readPages(session: Session, path: string): Promise<string[]> {
  const pages: string[] = []
  let cursor: string | undefined
  do {
    const page = await session.ok('read_file', { path, ...(cursor !== undefined && { cursor }) })
    pages.push(page.text)
    cursor = page.next_cursor
  } while (cursor !== undefined)
  return pages
}

async function listAll(session: Session, path: string, between: () => void): Promise<string[]> {
  const paths: string[] = []
  let cursor: string | undefined
  do {
    const page = await session.ok('list_files', {
      path,
      limit: 1000,
      ...(cursor !== undefined && { cursor }),
    })
    paths.push(...page.entries.map((entry) => entry.path))
    cursor = page.next_cursor
    between()
  } while (cursor !== undefined)
  return paths
}

const mebibyte = 1024 * 1024

export const contentAttacks: readonly Attack[] = [
  {
    row: 30,
    name: 'a sparse file of 600 MiB',
    run: async (session, place) => {
      const fd = openSync(place.at('sparse'), 'w')
      writeSync(fd, 'head line\n'.repeat(20_000))
      ftruncateSync(fd, 600 * mebibyte)
      writeSync(fd, '\nlast line\n', 600 * mebibyte - 11)
      closeSync(fd)
      const { pid } = session.connection
      await session.ok('read_file', { path: 'plain.txt' })
      const before = memoryOf(pid)
      const started = performance.now()
      assert.ok((await session.ok('read_file', { path: 'sparse' })).text.length <= 65_536)
      assert.ok(performance.now() - started < 1000)
      assert.equal((await session.ok('read_file', { path: 'sparse', line: -1 })).text, 'last line\n')
      await session.fails('edit_file', { path: 'sparse', edits: [{ old: 'last', new: 'x' }] }, 'too_large')
      assert.deepEqual((await session.ok('search_files', { query: 'last' })).matches, [])
      assert.ok(memoryOf(pid) - before < 64 * mebibyte, `${memoryOf(pid) - before} bytes more`)
    },
  },
  {
    row: 31,
    name: 'one line of 100 MiB',
    run: async (session, place) => {
      const block = Buffer.from('€uro'.repeat(174_762)).subarray(0, mebibyte)
      const fd = openSync(place.at('long'), 'w')
      for (let at = 0; at < 100; at++) writeSync(fd, block)
      closeSync(fd)
      let cursor: string | undefined
      let joined = ''
      for (let page = 0; page < 4; page++) {
        const read = await session.ok('read_file', { path: 'long', ...(cursor !== undefined && { cursor }) })
        const bytes = Buffer.byteLength(read.text)
        assert.ok(bytes <= 65_536 && bytes > 65_530)
        joined += read.text
        cursor = read.next_cursor
      }
      assert.ok('€uro'.repeat(60_000).startsWith(joined))
    },
  },
  {
    row: 32,
    name: 'characters across the edges of pages, and half a character at the end',
    run: async (session, place) => {
      for (const lead of [0, 1, 2]) {
        const text = 'a'.repeat(lead) + '界'.repeat(50_000)
        place.put('f', text)
        assert.equal((await readPages(session, 'f')).join(''), text)
      }
      const half = Buffer.from('界').subarray(0, 2)
      place.put('small', Buffer.concat([Buffer.from('text'), half]))
      assert.equal((await session.ok('read_file', { path: 'small' })).encoding, 'binary')
      place.put('large', Buffer.concat([Buffer.from('x'.repeat(80_000)), half]))
      const { next_cursor: cursor } = await session.ok('read_file', { path: 'large' })
      await session.fails('read_file', { path: 'large', cursor }, 'not_text')
    },
  },
  {
    row: 34,
    name: 'UTF-16 and byte order marks',
    run: async (session, place) => {
      for (const [encoding, bytes] of [
        ['utf-8-bom', Buffer.from('\ufeffeins\n')],
        ['utf-16le', Buffer.from('\ufeffeins\n', 'utf16le')],
        ['utf-16be', Buffer.from('\ufeffeins\n', 'utf16le').swap16()],
      ] as const) {
        place.put('f', bytes)
        const page = await session.ok('read_file', { path: 'f' })
        assert.deepEqual([page.text, page.encoding], ['eins\n', encoding])
        await session.ok('edit_file', { path: 'f', edits: [{ old: 'eins', new: 'zwei' }] })
        const again = await session.ok('read_file', { path: 'f' })
        assert.deepEqual([again.text, again.encoding], ['zwei\n', encoding])
      }
    },
  },
  {
    row: 35,
    name: 'a file that changes between two pages',
    run: async (session, place) => {
      const text = 'line\n'.repeat(50_000)
      for (const change of [
        () => appendFileSync(place.at('f'), 'more\n'),
        () => truncateSync(place.at('f'), 100_000),
        () => place.put('f', text),
      ]) {
        place.put('f', text)
        const { next_cursor: cursor } = await session.ok('read_file', { path: 'f' })
        change()
        await session.fails('read_file', { path: 'f', cursor }, 'conflict')
      }
    },
  },
  {
    row: 38,
    name: 'many entries, listed while half go and half come; row 42: a search over them that is cancelled',
    run: async (session, place) => {
      // 50,000 in the long rounds, as in the tests of the package itself.
      const total = repeats(20_000, 2.5)
      const folder = place.at('many')
      mkdirSync(folder)
      for (let at = 0; at < 50_000; at++)
        writeFileSync(join(folder, `f${String(at).padStart(6, '0')}`), 'nothing\n')
      const { pid } = session.connection

      const controller = new AbortController()
      const search = session.call('search_files', { query: 'absent' }, controller.signal)
      await sleep(100)
      controller.abort()
      await assert.rejects(search)
      await sleep(500)
      const ticks = ticksOf(pid)
      await sleep(500)
      assert.ok(ticksOf(pid) - ticks < 10, 'the work has stopped')

      let removed = 1
      let added = 0
      const paths = await listAll(session, 'many', () => {
        for (let at = 0; at < 500; at++, removed += 2) {
          rmSync(join(folder, `f${String(removed).padStart(6, '0')}`), { force: true })
          writeFileSync(join(folder, `g${String(added++).padStart(6, '0')}`), '')
        }
      })
      assert.equal(new Set(paths).size, paths.length, 'nothing twice')
      const shown = new Set(paths)
      for (let at = 0; at < total; at += 2) assert.ok(shown.has(`many/f${String(at).padStart(6, '0')}`))
    },
  },
  {
    row: 40,
    name: 'patterns that keep other matchers busy for ever',
    run: async (session, place) => {
      place.put('a'.repeat(60), '')
      await session.ok('list_files', { glob: '*' })
      for (const glob of ['+(a|aa)+(a)b', `${'*a'.repeat(20)}b`, '{1..200000}', `${'**/'.repeat(30)}b`]) {
        // The best of three: the machine may be busy with other things.
        let best = Infinity
        for (let time = 0; time < 3; time++) {
          const started = performance.now()
          assert.deepEqual((await session.ok('list_files', { glob, depth: 16 })).entries, [])
          best = Math.min(best, performance.now() - started)
        }
        assert.ok(best < 100, glob)
      }
      await session.fails('list_files', { glob: '*'.repeat(mebibyte) }, 'invalid_arguments')
    },
  },
  {
    row: 41,
    name: 'queries that keep other searches busy for ever',
    run: async (session, place) => {
      place.put('f', 'a'.repeat(1_000_000))
      const started = performance.now()
      for (const query of ['(a+)+$', `b${'a'.repeat(999)}`, 'a\na']) {
        assert.deepEqual((await session.ok('search_files', { query })).matches, [])
      }
      assert.ok(performance.now() - started < 3000)
      await session.fails('search_files', { query: '' }, 'invalid_arguments')
    },
  },
  {
    row: 43,
    name: 'edits that match twice, nothing, or not all of them',
    run: async (session, place) => {
      place.put('f', 'one two one')
      for (const [edits, code] of [
        [[{ old: 'one', new: 'x' }], 'ambiguous_match'],
        [[{ old: '', new: 'x' }], 'invalid_arguments'],
        [[{ old: 'one', new: 'one' }], 'invalid_arguments'],
        [
          [
            { old: 'two', new: 'x' },
            { old: 'three', new: 'y' },
          ],
          'no_match',
        ],
      ] as const) {
        await session.fails('edit_file', { path: 'f', edits }, code)
      }
      assert.equal(place.textOf('f'), 'one two one')
      place.put('big', 'a'.repeat(5 * mebibyte))
      const started = performance.now()
      await session.fails(
        'edit_file',
        { path: 'big', edits: [{ old: `b${'a'.repeat(2 * mebibyte)}`, new: '' }] },
        'no_match',
      )
      assert.ok(performance.now() - started < 3000)
    },
  },
  {
    row: 45,
    name: 'line feeds in a file with other line ends, and with both',
    run: async (session, place) => {
      place.put('f', 'a\r\nb\r\nc\nd\r\n')
      await session.ok('edit_file', { path: 'f', edits: [{ old: 'a\nb', new: 'x\ny' }] })
      assert.equal(place.textOf('f'), 'x\r\ny\r\nc\nd\r\n')
    },
  },
  {
    row: 46,
    name: 'a dry run',
    run: async (session, place) => {
      const { diff } = await session.ok('edit_file', {
        path: 'plain.txt',
        edits: [{ old: 'plain', new: 'x' }],
        dry_run: true,
      })
      assert.equal(diff, '@@ -1,1 +1,1 @@\n-plain\n+x\n')
      assert.equal(place.textOf('plain.txt'), 'plain\n')
    },
  },
  {
    row: 48,
    name: '50 creations of one name at once',
    run: async (session) => {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, at) =>
          session.call('write_file', { path: 'd/one', content: `${at}`, if_exists: 'fail' }),
        ),
      )
      assert.equal(outcomes.filter(({ code }) => code === 'ok').length, 1)
      assert.equal(outcomes.filter(({ code }) => code === 'exists').length, 49)
    },
  },
  {
    row: 49,
    name: '50 writes over one version at once',
    run: async (session, place) => {
      const { etag } = await session.ok('read_file', { path: 'plain.txt' })
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () =>
          session.call('write_file', { path: 'plain.txt', content: 'plain\n', if_match: etag }),
        ),
      )
      assert.equal(outcomes.filter(({ code }) => code === 'ok').length, 1)
      assert.equal(outcomes.filter(({ code }) => code === 'conflict').length, 49)
      assert.equal(place.textOf('plain.txt'), 'plain\n')
    },
  },
  {
    row: 50,
    name: 'many writers of 1 MiB and readers at once',
    run: async (session) => {
      const bodyOf = (writer: number): string => `${String(writer).padStart(15)}\n`.repeat(65_536)
      await session.ok('write_file', { path: 'body', content: bodyOf(0) })
      const writers = repeats(40, 2.5)
      let next = 1
      const write = async (): Promise<void> => {
        while (next <= writers) await session.ok('write_file', { path: 'body', content: bodyOf(next++) })
      }
      const writing = Promise.all(Array.from({ length: 20 }, write))
      const state = { writing: true }
      void writing.finally(() => (state.writing = false)).catch(() => undefined)
      let pagesSeen = 0
      while (state.writing) {
        const lines = new Set<string>()
        let cursor: string | undefined
        do {
          const page = await session.call('read_file', {
            path: 'body',
            limit: 5000,
            ...(cursor !== undefined && { cursor }),
          })
          if (page.code === 'conflict') break
          assert.equal(page.code, 'ok')
          pagesSeen++
          for (const line of page.fields.text.trimEnd().split('\n')) lines.add(line)
          cursor = page.fields.next_cursor
        } while (cursor !== undefined)
        assert.ok(lines.size <= 1, 'a mixture of two bodies')
      }
      await writing
      assert.ok(pagesSeen > 0)
    },
  },
  {
    row: 53,
    name: 'modes of files that are replaced and edited',
    run: async (session, place) => {
      for (const mode of [0o700, 0o600]) {
        place.put('f', 'old')
        chmodSync(place.at('f'), mode)
        await session.ok('write_file', { path: 'f', content: 'new' })
        await session.ok('edit_file', { path: 'f', edits: [{ old: 'new', new: 'newer' }] })
        assert.equal(statSync(place.at('f')).mode & 0o777, mode)
      }
    },
  },
  {
    row: 55,
    name: 'too much content, and base64 that is none',
    run: async (session, place) => {
      await session.fails('write_file', { path: 'f', content: 'x'.repeat(5 * mebibyte + 1) }, 'too_large')
      for (const content of ['AP/+ Pj8=', 'AP_-Pj8=', 'AP/+Pj8']) {
        await session.fails('write_file', { path: 'f', content, encoding: 'base64' }, 'invalid_arguments')
      }
      for (const [content, status, code] of [
        [JSON.stringify('x'.repeat(9 * mebibyte)), 413, -32600],
        ['['.repeat(100_000) + ']'.repeat(100_000), 400, -32700],
      ] as const) {
        const args = { path: 'f', content: 'CONTENT' }
        const { body, headers } = modernCall({ name: 'write_file', arguments: args })
        const reply = await session.connection.send(
          JSON.stringify(body).replace('"CONTENT"', content),
          headers,
        )
        if (reply.status === undefined) assert.equal(memberOf(reply.body, 'error', 'code'), code)
        else assert.equal(reply.status, status)
      }
      assert.deepEqual(place.names(), ['plain.txt'])
    },
  },
]
