/** Attacks by spelling: paths, arguments and cursors that mean something else than they say. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Place } from './attack-place.ts'
import type { Session } from './attack-transports.ts'
import type { Json } from './mcp-wire.ts'

export interface Attack {
  /** The number of the row in the list of attacks. */
  readonly row: number
  readonly name: string
  readonly run: (session: Session, place: Place) => Promise<void>
}

/** Every tool with a path, where a bad one is as bad as any. */
function everywhere(path: string): ReadonlyArray<readonly [tool: string, args: Json]> {
  const all: ReadonlyArray<readonly [string, Json]> = [
    ['read_file', { path }],
    ['write_file', { path, content: 'x' }],
    ['write_file', { path, content: 'x', if_exists: 'append' }],
    ['write_file', { path, content: 'x', if_exists: 'fail' }],
    ['edit_file', { path, edits: [{ old: 'a', new: 'b' }] }],
    ['move_file', { from: path, to: 'moved' }],
    ['move_file', { from: 'plain.txt', to: path }],
    ['delete_file', { path }],
    ['list_files', { path }],
    ['search_files', { path, query: 'SECRET' }],
  ]
  // Only these two may be asked about the root.
  return path === '' || path === '.' ? all.slice(0, -2) : all
}

function spellings(row: number, name: string, ...paths: readonly string[]): Attack {
  return {
    row,
    name,
    run: async (session, place) => {
      for (const path of paths) {
        for (const [tool, args] of everywhere(path)) await session.fails(tool, args, 'invalid_path')
      }
      assert.deepEqual(place.names(), ['plain.txt'])
    },
  }
}

function refusedArguments(
  row: number,
  name: string,
  ...calls: ReadonlyArray<readonly [string, unknown]>
): Attack {
  return {
    row,
    name,
    run: async (session, place) => {
      for (const [tool, args] of calls) await session.fails(tool, args, 'invalid_arguments')
      assert.deepEqual(place.names(), ['plain.txt'])
    },
  }
}

const long = 'x'.repeat(1_000_000)

export const pathAttacks: readonly Attack[] = [
  spellings(1, 'ways up', '../O/secret', 'a/../../O/secret', './plain.txt', 'a/./b', '..', 'a/..'),
  spellings(2, 'absolute paths', '/etc/passwd'),
  {
    row: 2,
    name: 'absolute paths of files in R',
    run: async (session, place) => {
      for (const [tool, args] of everywhere(place.at('plain.txt')))
        await session.fails(tool, args, 'invalid_path')
    },
  },
  spellings(3, 'empty components and the root', '//etc/passwd', 'a//b', 'a/', '', '.'),
  {
    row: 4,
    name: 'percent-encoding is never decoded',
    run: async (session) => {
      for (const path of ['..%2fO%2fsecret', '%2e%2e/O/secret', '..%2f', '%00']) {
        await session.fails('read_file', { path }, 'not_found')
      }
    },
  },
  spellings(5, 'control characters', 'a\u0000.txt', 'a\n.txt', 'a\u001b[2J', 'a\u007f', 'a\u0085'),
  spellings(6, 'Windows paths', '..\\O\\secret', 'C:\\x', 'C:/x', 'C:', '\\\\host\\s'),
  {
    row: 6,
    name: 'a colon elsewhere is fine',
    run: async (session) => {
      await session.ok('write_file', { path: 'notes/file:C.md', content: 'fine' })
      assert.equal((await session.ok('read_file', { path: 'notes/file:C.md' })).text, 'fine')
    },
  },
  spellings(7, 'homes and URIs', '~/x', 'file:///etc/passwd'),
  {
    row: 7,
    name: 'variables are not expanded',
    run: async (session) => void (await session.fails('read_file', { path: '$HOME/x' }, 'not_found')),
  },
  spellings(8, 'halves of characters', '\ud800', '\udfff', 'a/\udc00b'),
  {
    row: 9,
    name: 'the longest names and paths, and what is one longer',
    run: async (session) => {
      const name = 'n'.repeat(255)
      for (const content of ['one', 'two']) await session.ok('write_file', { path: name, content })
      assert.equal((await session.ok('read_file', { path: name })).text, 'two')
      for (const path of [
        `${name}n`,
        `${'é'.repeat(127)}ab`,
        `${'abcdefg/'.repeat(512)}a`,
        Array(65).fill('a').join('/'),
      ]) {
        for (const [tool, args] of everywhere(path)) await session.fails(tool, args, 'invalid_path')
      }
      await session.ok('write_file', { path: Array(64).fill('a').join('/'), content: 'deep' })
    },
  },
  {
    row: 11,
    name: 'two Unicode forms are two names',
    run: async (session, place) => {
      const [composed, decomposed] = ['r\u00e9sum\u00e9', 're\u0301sume\u0301']
      place.put(decomposed, 'decomposed')
      assert.match(await session.fails('read_file', { path: composed }, 'not_found'), /re\\u0301sume\\u0301/)
      place.put(composed, 'composed')
      for (const [path, text] of [
        [composed, 'composed'],
        [decomposed, 'decomposed'],
      ] as const) {
        assert.equal((await session.ok('read_file', { path })).text, text)
      }
    },
  },
  {
    row: 13,
    name: 'neighbours that a careless comparison takes for R',
    run: async (session, place) => {
      for (const name of ['R_evil', 'R ', 'R"', 'r']) {
        for (const path of [join(place.base, name, 's'), `../${name}/s`]) {
          for (const [tool, args] of everywhere(path)) await session.fails(tool, args, 'invalid_path')
        }
      }
    },
  },
  refusedArguments(
    14,
    'arguments of a wrong type',
    ...[5, null, [], {}, true].map((path) => ['read_file', { path }] as const),
    ['read_file', {}],
    ['read_file', { path: 'plain.txt', encoding: 'latin1' }],
    ['write_file', { path: 'x', content: 'x', mode: 511 }],
    ['move_file', { from: 'plain.txt', to: ['x'] }],
    ['delete_file', { path: 'plain.txt', recursive: true }],
    ['edit_file', { path: 'plain.txt', edits: 'plain' }],
    ['search_files', { query: { regex: '.' } }],
    ['list_files', { path: 0 }],
  ),
  refusedArguments(
    36,
    'numbers out of range',
    ...[0, 1.5, 1e308, -0].map((line) => ['read_file', { path: 'plain.txt', line }] as const),
    ...[0, -5, 1e9].map((limit) => ['read_file', { path: 'plain.txt', limit }] as const),
    ...[0, -5, 1e9].map((limit) => ['list_files', { limit }] as const),
    ...[0, -5, 1e9].map((limit) => ['search_files', { query: 'a', limit }] as const),
    ['list_files', { depth: 99 }],
  ),
  {
    row: 37,
    name: 'cursors that are forged, damaged, foreign or huge',
    run: async (session, place) => {
      place.put('a', 'line\n'.repeat(20_000))
      place.put('b', 'line\n'.repeat(20_000))
      const { next_cursor: cursor = '' } = await session.ok('read_file', { path: 'a' })
      const flipped = String.fromCharCode(cursor.charCodeAt(0) ^ 1) + cursor.slice(1)
      for (const bad of ['garbage', flipped]) {
        await session.fails('read_file', { path: 'a', cursor: bad }, 'invalid_path')
      }
      await session.fails('read_file', { path: 'b', cursor }, 'invalid_path')
      for (const bad of ['../O/secret', '/etc/passwd', 'a\u0000']) {
        await session.fails('list_files', { cursor: bad }, 'invalid_path')
        await session.fails('search_files', { query: 'SECRET', cursor: `1:${bad}` }, 'invalid_path')
      }
      for (const [tool, args] of [
        ['read_file', { path: 'a' }],
        ['list_files', {}],
        ['search_files', { query: 'a' }],
      ] as const) {
        await session.fails(tool, { ...args, cursor: long }, 'invalid_arguments')
      }
      await session.ok('read_file', { path: 'a', cursor })
    },
  },
  spellings(
    54,
    'names that are reserved for the server',
    '.doorman-tmp-1-a-b',
    'd/.doorman-tmp-',
    '.doorman/x',
  ),
  {
    row: 54,
    name: 'reserved names that are there are not listed',
    run: async (session, place) => {
      place.put('.doorman/secret', 'x')
      const { entries } = await session.ok('list_files', { hidden: true, depth: 16 })
      assert.deepEqual(
        entries.map(({ path }) => path),
        ['plain.txt'],
      )
    },
  },
  {
    row: 60,
    name: 'what the operator denies is not there',
    run: async (session, place) => {
      place.put('.env', 'hush')
      place.put('a/.git/config', 'hush')
      for (const path of ['.env', 'a/.git/config', 'a/.git', '.ENV']) {
        for (const [tool, args] of everywhere(path)) await session.fails(tool, args, 'not_found')
      }
      const { entries } = await session.ok('list_files', { hidden: true, depth: 16 })
      assert.deepEqual(
        entries.map(({ path }) => path),
        ['a', 'plain.txt'],
      )
      assert.deepEqual((await session.ok('search_files', { query: 'hush', hidden: true })).matches, [])
      assert.deepEqual([place.textOf('.env'), place.textOf('a/.git/config')], ['hush', 'hush'])
    },
  },
  {
    row: 60,
    name: 'what the operator denies is no resource, and completes no path',
    run: async (session, place) => {
      place.put('.env', 'hush')
      place.put('a/.git/config', 'hush')
      for (const path of ['.env', 'a/.git/config']) await session.isNoResource(`file:///${path}`)
      assert.deepEqual(await session.complete('.e'), [])
      assert.deepEqual(await session.complete('a/'), [])
      assert.deepEqual(await session.complete('a/.git/'), [])
      assert.deepEqual(await session.complete(''), ['a/', 'plain.txt'])
      const listed = await session.request('resources/list', {})
      assert.ok(!/env|git/.test(listed.text), listed.text)
    },
  },
  {
    row: 65,
    name: 'URIs that mean something else than a path below R',
    run: async (session, place) => {
      place.put('a/b', 'inside')
      symlinkSync('../O/secret', place.at('l'))
      symlinkSync('../O', place.at('d'))
      for (const uri of [
        'file:///../O/secret',
        'file:///%2e%2e/O/secret',
        'file:///a/..%2f..%2fO/secret',
        'file:///a%2Fb',
        'file:///a%00',
        'file:///a%0A',
        'file://host/a/b',
        'file://localhost/a/b',
        'file:////etc/passwd',
        'file:///etc/passwd',
        'file:///a/b?x#y',
        'file:///a/b#',
        'FILE:///a/b',
        'file:/a/b',
        'file:///',
        'file:///a',
        'file:///a/',
        'file:///a%5cb',
        'file:///%61/b',
        'file:///%ff',
        'file:///%',
        'file:///%ed%a0%80',
        'file:///.doorman/x',
        'file:///l',
        'file:///d/secret',
        'https://example.com/',
        '',
      ]) {
        await session.isNoResource(uri)
      }
      const { text } = await session.request('resources/read', { uri: 'file:///a/b' })
      assert.match(text, /"text":"inside"/)
    },
  },
  {
    row: 65,
    name: 'beginnings of paths that mean something else',
    run: async (session, place) => {
      symlinkSync('../O', place.at('d'))
      for (const value of [
        '../',
        '../O/',
        '/',
        '/etc/',
        'd/',
        'd/s',
        './',
        'a\u0000',
        '\ud800',
        'x'.repeat(5000),
      ]) {
        assert.deepEqual(await session.complete(value), [], value.slice(0, 20))
      }
    },
  },
  {
    row: 66,
    name: 'a root that the client offers is ignored',
    run: async (session) => {
      const reply = await session.connection.send(
        { jsonrpc: '2.0', method: 'notifications/roots/list_changed', id: 'roots' },
        { 'mcp-protocol-version': '2025-11-25' },
      )
      assert.ok(!reply.text.includes('"result"'), reply.text)
      await session.fails('read_file', { path: 'secret' }, 'not_found')
      await session.fails('read_file', { path: 'secret', _meta: { root: '../O' } }, 'invalid_arguments')
    },
  },
]

export const specialAttacks: readonly Attack[] = [
  {
    row: 25,
    name: 'a FIFO holds nobody up',
    run: async (session, place) => {
      execFileSync('mkfifo', [place.at('p')])
      const started = performance.now()
      await Promise.all(
        Array.from({ length: 8 }, () => session.fails('read_file', { path: 'p' }, 'not_a_file')),
      )
      for (const [tool, args] of [
        ['write_file', { path: 'p', content: 'x' }],
        ['write_file', { path: 'p', content: 'x', if_exists: 'append' }],
        ['write_file', { path: 'p', content: 'x', if_exists: 'fail' }],
        ['edit_file', { path: 'p', edits: [{ old: 'a', new: 'b' }] }],
        ['move_file', { from: 'p', to: 'q' }],
        ['delete_file', { path: 'p' }],
      ] as const) {
        await session.fails(tool, args, 'not_a_file')
      }
      assert.deepEqual((await session.ok('search_files', { query: 'a', path: 'p' })).matches, [])
      assert.equal((await session.ok('search_files', { query: 'plain' })).matches.length, 1)
      assert.ok(performance.now() - started < 1000)
    },
  },
  {
    row: 26,
    name: 'sockets and devices are no files',
    run: async (session, place) => {
      const listener = createServer().listen(place.at('s'))
      await once(listener, 'listening')
      const names = ['s']
      if (process.getuid?.() === 0) {
        execFileSync('mknod', [place.at('zero'), 'c', '1', '5'])
        execFileSync('mknod', [place.at('disk'), 'b', '7', '99'])
        names.push('zero', 'disk')
      }
      for (const path of names) {
        await session.fails('read_file', { path }, 'not_a_file')
        await session.fails('write_file', { path, content: 'x' }, 'not_a_file')
        await session.fails('edit_file', { path, edits: [{ old: 'a', new: 'b' }] }, 'not_a_file')
      }
      assert.equal((await session.ok('search_files', { query: 'plain' })).matches.length, 1)
      listener.close()
      await once(listener, 'close')
    },
  },
  {
    row: 27,
    name: 'a directory is no file, and a file no directory',
    run: async (session, place) => {
      place.put('d/x', 'x')
      for (const [tool, args] of [
        ['read_file', { path: 'd' }],
        ['write_file', { path: 'd', content: 'x' }],
        ['write_file', { path: 'd', content: 'x', if_exists: 'fail' }],
        ['edit_file', { path: 'd', edits: [{ old: 'a', new: 'b' }] }],
      ] as const) {
        await session.fails(tool, args, 'not_a_file')
      }
      place.put('f', 'x')
      for (const [tool, args] of everywhere('f/x')) await session.fails(tool, args, 'not_a_directory')
      await session.fails('list_files', { path: 'plain.txt/x', depth: 3 }, 'not_a_directory')
    },
  },
  {
    row: 47,
    name: 'if_exists "fail" changes nothing that is there',
    run: async (session, place) => {
      place.put('d/x', 'x')
      execFileSync('mkfifo', [place.at('p')])
      execFileSync('ln', ['-s', '../O/secret', place.at('l')])
      for (const [path, code] of [
        ['plain.txt', 'exists'],
        ['l', 'symlink'],
        ['d', 'not_a_file'],
        ['p', 'not_a_file'],
      ] as const) {
        await session.fails('write_file', { path, content: 'x', if_exists: 'fail' }, code)
      }
      assert.equal(place.textOf('plain.txt'), 'plain\n')
    },
  },
  {
    row: 56,
    name: 'a move replaces nothing and leaves the source whole',
    run: async (session, place) => {
      place.put('f', 'source')
      place.put('d/in', 'inside')
      place.put('full/x', 'x')
      execFileSync('ln', ['-s', 'nowhere', place.at('l')])
      for (const [from, to, code] of [
        ['f', 'plain.txt', 'exists'],
        ['f', 'l', 'exists'],
        ['d', 'full', 'exists'],
        ['f', 'f', 'exists'],
        ['d', 'd/x', 'invalid_path'],
        ['', 'x', 'invalid_path'],
        ['l', 'x', 'symlink'],
      ] as const) {
        await session.fails('move_file', { from, to }, code)
      }
      assert.deepEqual(
        [place.textOf('f'), place.textOf('d/in'), place.textOf('full/x')],
        ['source', 'inside', 'x'],
      )
      await session.ok('move_file', { from: 'd', to: 'new/er' })
      assert.equal(place.textOf('new/er/in'), 'inside')
    },
  },
  {
    row: 59,
    name: 'a delete takes one name and nothing below it',
    run: async (session, place) => {
      place.put('full/x', 'x')
      for (const path of ['', '.']) await session.fails('delete_file', { path }, 'invalid_path')
      await session.fails('delete_file', { path: 'full' }, 'not_empty')
      await session.ok('delete_file', { path: 'full/x' })
      await session.ok('delete_file', { path: 'full' })
      await session.fails('delete_file', { path: 'full' }, 'not_found')
      assert.ok(!existsSync(place.at('full')))
      assert.deepEqual(readdirSync(place.root), ['plain.txt'])
    },
  },
]
