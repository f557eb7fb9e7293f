import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createGlobMatcher } from '#internal/glob'
import { createDeny, problemOfDenyPattern } from '#internal/walk/deny'
import { inSandbox, openers } from './sandbox.ts'
import { rounds } from '../../../test/rounds.ts'

const hides = (patterns: readonly string[], path: string): boolean =>
  createDeny(patterns)?.hides(path.split('/')) === true

const cases: ReadonlyArray<readonly [pattern: string, path: string, expected: boolean]> = [
  ['.env', '.env', true],
  ['.env', 'a/b/.env', true],
  ['.env', '.env/x/y', true],
  ['.env', '.ENV', true],
  ['.env', '.env.txt', false],
  ['.env', 'x.env', false],
  ['*.pem', 'a/KEY.PEM', true],
  ['*.pem', 'key.pem.txt', false],
  ['**/.git/**', '.git', true],
  ['**/.git/**', 'a/.git/config', true],
  ['**/.git/**', '.github', false],
  ['secrets/key', 'secrets/key', true],
  ['secrets/key', 'secrets', false],
  ['secrets/key', 'a/secrets/key', false],
  ['secrets/*', 'secrets/x/y', true],
  ['a/**/z', 'a/z', true],
  ['a/**/z', 'a/b/c/z/d', true],
  ['a/**/z', 'a/b', false],
  // One name in two Unicode forms.
  ['Privé', 'prive\u0301', true],
  ['Privé', 'prive', false],
]
for (const [pattern, path, expected] of cases) {
  test(`row 60: ${JSON.stringify(pattern)} ${expected ? 'hides' : 'does not hide'} ${JSON.stringify(path)}`, () =>
    assert.equal(hides([pattern], path), expected))
}

const component = fc.constantFrom('a', 'b', 'ab', 'c')
const path = fc.array(component, { minLength: 1, maxLength: 5 })
const pattern = fc
  .array(fc.constantFrom('a', 'b', '*', '?b', 'c', '**'), { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join('/'))

test('a path is hidden exactly if the glob matches it or a directory above it', () => {
  fc.assert(
    fc.property(pattern, path, (glob, components) => {
      const matches = createGlobMatcher(glob)
      const expected = components.some((_, at) => matches(components.slice(0, at + 1)))
      assert.equal(hides([glob], components.join('/')), expected)
    }),
    rounds(5000),
  )
})

test('no move that is allowed lays open what was hidden below the directory', () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { minLength: 1, maxLength: 3 }),
      path,
      path,
      path,
      (patterns, from, to, below) => {
        const deny = createDeny(patterns)
        if (deny === undefined || deny.hides(from) || deny.hides(to) || !deny.staysHidden(from, to)) return
        if (deny.hides([...from, ...below])) assert.ok(deny.hides([...to, ...below]))
      },
    ),
    rounds(10_000),
  )
})

test('patterns that could hide nothing are refused at start, with what to write instead', () => {
  for (const [text, problem] of [
    ['', /not empty/],
    ['/a', /starts with "\/"/],
    ['a/', /ends with "\/"/],
    ['a//b', /empty/],
    ['./a', /"\."/],
    ['../a', /"\.\."/],
    ['*.{pem,key}', /only "\*", "\?"/],
    ['[ab]', /only/],
    ['!a', /only/],
    ['x'.repeat(257), /longer than 256/],
  ] as const) {
    assert.match(problemOfDenyPattern(text) ?? '', problem, text)
  }
  for (const text of ['.env', 'a!', '**/.git/**', 'a b', '*'])
    assert.equal(problemOfDenyPattern(text), undefined)
})

for (const opener of openers) {
  test(`${opener}, row 60: what is denied is not there, for every tool`, () =>
    inSandbox({ opener, deny: ['.env', '**/.git/**', 'private/keys'] }, async (sandbox) => {
      sandbox.put('.env', 'hush\nhush\n')
      sandbox.put('a/.git/config', 'hush')
      sandbox.put('private/keys/one', 'hush')
      sandbox.put('private/open', 'open')
      sandbox.put('f', 'f')
      const notThere = '"missing" does not exist. Look at its directory with list_files.'
      assert.equal(
        await sandbox.fails('read_file', { path: 'missing' }, 'not_found'),
        `not_found: ${notThere}`,
      )
      for (const path of ['.env', '.ENV', 'a/.git/config', 'a/.git', 'private/keys/one', 'private/keys']) {
        const expected = `not_found: ${notThere.replace('missing', path)}`
        const edits = [{ old: 'hush', new: 'x' }]
        for (const [tool, args] of [
          ['read_file', { path }],
          ['list_files', { path }],
          ['search_files', { path, query: 'hush' }],
          ['write_file', { path, content: 'x' }],
          ['write_file', { path, content: 'x', if_exists: 'append' }],
          ['write_file', { path, content: 'x', if_exists: 'fail' }],
          ['edit_file', { path, edits }],
          ['move_file', { from: path, to: 'g' }],
          ['move_file', { from: 'f', to: path }],
          ['delete_file', { path }],
        ] as const) {
          assert.equal(await sandbox.fails(tool, args, 'not_found'), expected)
        }
      }
      const listed = await sandbox.ok('list_files', { depth: 16, hidden: true })
      assert.deepEqual(
        listed.entries.map(({ path }) => path),
        ['a', 'f', 'plain.txt', 'private', 'private/open'],
      )
      const found = await sandbox.ok('search_files', { query: 'hush', hidden: true })
      assert.deepEqual([found.matches, found.files_searched], [[], 3])
      // A cursor says where to go on; it opens nothing.
      for (const cursor of ['.env', 'a/.git', 'a/.git/a', 'private/keys/a']) {
        const rest = await sandbox.ok('list_files', { depth: 16, hidden: true, cursor })
        assert.ok(!JSON.stringify(rest.entries).match(/env|git|keys/), cursor)
        const more = await sandbox.ok('search_files', { query: 'hush', hidden: true, cursor: `1:${cursor}` })
        assert.deepEqual(more.matches, [])
      }
      const hint = await sandbox.fails('read_file', { path: '\uff0eenv' }, 'not_found')
      assert.ok(!hint.includes('looks the same'), hint)
      assert.deepEqual(
        [sandbox.textOf('.env'), sandbox.textOf('a/.git/config'), sandbox.textOf('private/keys/one')],
        ['hush\nhush\n', 'hush', 'hush'],
      )
    }))

  test(`${opener}, row 60: a directory is not moved to where a rule about what is in it would not hold`, () =>
    inSandbox({ opener, deny: ['.env', 'private/keys'] }, async (sandbox) => {
      sandbox.put('private/keys/one', 'hush')
      sandbox.put('private/.env', 'hush')
      sandbox.put('other/.env', 'hush')
      const text = await sandbox.fails('move_file', { from: 'private', to: 'public' }, 'invalid_path')
      assert.match(text, /a rule of the operator/)
      await sandbox.ok('move_file', { from: 'other', to: 'elsewhere' })
      await sandbox.fails('read_file', { path: 'elsewhere/.env' }, 'not_found')
      // The same whether anything is there or not.
      sandbox.put('empty/private/x', '')
      await sandbox.fails('delete_file', { path: 'elsewhere' }, 'not_empty')
      assert.deepEqual(readdirSync(join(sandbox.root, 'private')), ['.env', 'keys'])
      assert.ok(!existsSync(join(sandbox.root, 'public')))
    }))
}
