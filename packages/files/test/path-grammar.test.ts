import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parsePath } from '#internal/walk/grammar'
import { inSandbox, openers } from './sandbox.ts'
import { rounds } from '../../../test/rounds.ts'

interface Case {
  readonly row: number
  readonly name: string
  readonly path: string
  readonly code: 'invalid_path' | 'not_found'
}

const cases: readonly Case[] = [
  { row: 1, name: 'parent', path: '../O/secret', code: 'invalid_path' },
  { row: 1, name: 'parent in the middle', path: 'a/../../O/secret', code: 'invalid_path' },
  { row: 1, name: 'dot at the start', path: './plain.txt', code: 'invalid_path' },
  { row: 1, name: 'dot in the middle', path: 'a/./b', code: 'invalid_path' },
  { row: 1, name: 'parent alone', path: '..', code: 'invalid_path' },
  { row: 2, name: 'absolute', path: '/etc/passwd', code: 'invalid_path' },
  { row: 3, name: 'two slashes at the start', path: '//etc/passwd', code: 'invalid_path' },
  { row: 3, name: 'two slashes', path: 'a//b', code: 'invalid_path' },
  { row: 3, name: 'slash at the end', path: 'a/', code: 'invalid_path' },
  { row: 3, name: 'empty', path: '', code: 'invalid_path' },
  { row: 3, name: 'the root', path: '.', code: 'invalid_path' },
  { row: 4, name: 'percent-encoded slash', path: '..%2fO%2fsecret', code: 'not_found' },
  { row: 4, name: 'percent-encoded dots', path: '%2e%2e/O/secret', code: 'not_found' },
  { row: 5, name: 'NUL', path: 'a\u0000.txt', code: 'invalid_path' },
  { row: 5, name: 'newline', path: 'a\n.txt', code: 'invalid_path' },
  { row: 5, name: 'escape sequence', path: 'a\u001b[2J', code: 'invalid_path' },
  { row: 5, name: 'DEL', path: 'a\u007f', code: 'invalid_path' },
  { row: 5, name: 'control above DEL', path: 'a\u0085', code: 'invalid_path' },
  { row: 6, name: 'backslashes', path: '..\\O\\secret', code: 'invalid_path' },
  { row: 6, name: 'drive and backslash', path: 'C:\\x', code: 'invalid_path' },
  { row: 6, name: 'drive and slash', path: 'C:/x', code: 'invalid_path' },
  { row: 6, name: 'drive alone', path: 'C:', code: 'invalid_path' },
  { row: 6, name: 'network share', path: '\\\\host\\s', code: 'invalid_path' },
  { row: 7, name: 'home', path: '~/x', code: 'invalid_path' },
  { row: 7, name: 'file URI', path: 'file:///etc/passwd', code: 'invalid_path' },
  { row: 7, name: 'variable', path: '$HOME/x', code: 'not_found' },
  { row: 8, name: 'lone high surrogate', path: '\ud800', code: 'invalid_path' },
  { row: 8, name: 'lone low surrogate', path: '\udfff', code: 'invalid_path' },
  { row: 9, name: '256 bytes in one name', path: 'n'.repeat(256), code: 'invalid_path' },
  { row: 9, name: '256 bytes, not characters', path: `${'é'.repeat(127)}ab`, code: 'invalid_path' },
  { row: 9, name: '4097 bytes', path: `${'abcdefg/'.repeat(512)}a`, code: 'invalid_path' },
  { row: 9, name: '65 components', path: Array(65).fill('a').join('/'), code: 'invalid_path' },
  { row: 13, name: 'neighbour with our name as prefix', path: '../R_evil/s', code: 'invalid_path' },
  { row: 13, name: 'neighbour that differs in case', path: '../r/s', code: 'invalid_path' },
  { row: 54, name: 'name of an unpublished file', path: '.doorman-tmp-1-a-b', code: 'invalid_path' },
  { row: 54, name: 'folder of keys and secrets', path: '.doorman/issuer.json', code: 'invalid_path' },
  { row: 54, name: 'the same below another', path: 'a/.doorman', code: 'invalid_path' },
  { row: 54, name: 'the same in other letters', path: '.DoorMan/issuer.json', code: 'invalid_path' },
  { row: 54, name: 'neighbour of that name', path: '.doormat', code: 'not_found' },
  { row: 54, name: 'the same as a directory', path: '.doorman-tmp-1-a-b/x', code: 'invalid_path' },
]

for (const opener of openers) {
  test(`G61, ${opener}: every path that is no path below the root is refused and does nothing`, async (t) => {
    for (const { row, name, path, code } of cases) {
      await t.test(`row ${row}: ${name} → ${code}`, () =>
        inSandbox({ opener }, async (sandbox) => {
          await sandbox.fails('read_file', { path }, code)
          if (code === 'invalid_path') {
            for (const if_exists of ['replace', 'fail', 'append']) {
              await sandbox.fails('write_file', { path, content: 'x', if_exists }, code)
            }
            if (path !== '' && path !== '.') await sandbox.fails('list_files', { path }, code)
          }
          assert.deepEqual(readdirSync(sandbox.root), ['plain.txt'])
        }),
      )
    }
  })
}

test('row 2, row 13: absolute host paths are refused, also of files inside the root', () =>
  inSandbox({}, async (sandbox) => {
    for (const path of [join(sandbox.root, 'plain.txt'), join(sandbox.base, 'R_evil', 's')]) {
      for (const tool of ['read_file', 'list_files', 'delete_file']) {
        const text = await sandbox.fails(tool, { path }, 'invalid_path')
        assert.match(text, /The path is absolute/, 'not even a path that the caller wrote is repeated')
      }
    }
  }))

test('names that only look dangerous are ordinary names', () =>
  inSandbox({}, async (sandbox) => {
    const names = [
      'notes/file:C.md',
      '..%2fO',
      '...',
      '..a',
      'a..',
      '~',
      'a/~/b',
      ' a ',
      '"a"',
      'C:x',
      '-rf',
      '*',
    ]
    for (const path of names) {
      await sandbox.ok('write_file', { path, content: path })
      assert.equal((await sandbox.ok('read_file', { path })).text, path)
      assert.ok(existsSync(join(sandbox.root, path)), 'the name on the disk is the name that was given')
    }
  }))

test('row 9: names of 255 bytes can be written twice, and 64 components be made', () =>
  inSandbox({}, async (sandbox) => {
    const path = 'n'.repeat(255)
    await sandbox.ok('write_file', { path, content: 'one' })
    await sandbox.ok('write_file', { path, content: 'two' })
    assert.equal(sandbox.textOf(path), 'two')
    const deep = Array(64).fill('a').join('/')
    await sandbox.ok('write_file', { path: deep, content: 'deep' })
    assert.equal((await sandbox.ok('read_file', { path: deep })).text, 'deep')
  }))

test('row 11: a name in another Unicode form is another name, and the failure names the twin', () =>
  inSandbox({}, async (sandbox) => {
    const composed = 'r\u00e9sum\u00e9.txt'
    const decomposed = 'r\u0065\u0301sum\u0065\u0301.txt'
    sandbox.put(decomposed, 'decomposed')
    const text = await sandbox.fails('read_file', { path: composed }, 'not_found')
    assert.ok(text.includes('"re\\u0301sume\\u0301.txt"'), text)
    sandbox.put(composed, 'composed')
    assert.equal((await sandbox.ok('read_file', { path: composed })).text, 'composed')
    assert.equal((await sandbox.ok('read_file', { path: decomposed })).text, 'decomposed')

    sandbox.put('shots/Shot 9.41\u202fAM.png', 'x')
    const hint = await sandbox.fails('read_file', { path: 'shots/Shot 9.41 AM.png' }, 'not_found')
    assert.ok(hint.includes('\\u202f'), hint)
    const none = await sandbox.fails('read_file', { path: 'shots/Other.png' }, 'not_found')
    assert.ok(!none.includes('Shot'), 'no hint at names that do not look the same')
  }))

const pathLike = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '.',
        '..',
        '',
        '/',
        '~',
        'C:',
        '\\',
        '\0',
        '\n',
        '\ud800',
        '%2e',
        'a',
        'b',
        '.doorman-tmp-',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 8 },
  )
  .chain((parts) => fc.constantFrom('/', '').map((joint) => parts.join(joint)))

test('whatever the grammar accepts resolves below the root, component by component', () => {
  fc.assert(
    fc.property(pathLike, (text) => {
      const parsed = parsePath(text, 'refuse-root')
      if (!parsed.ok) return
      const { components } = parsed.value
      assert.equal(components.join('/'), text)
      assert.ok(resolve('/base/R', text).startsWith(`/base/R${sep}`))
      assert.equal(resolve('/base/R', text), `/base/R/${components.join('/')}`)
      assert.equal(Buffer.from(text).toString(), text, 'the bytes on the disk give the same string back')
    }),
    rounds(3000),
  )
})

test('the grammar accepts every path that is made of sound components', () => {
  const component = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((name) => !/[\p{Cc}/\\]/u.test(name) && !/^(?:\.|\.\.|~|[A-Za-z]:)$/.test(name))
  fc.assert(
    fc.property(fc.array(component, { minLength: 1, maxLength: 10 }), (components) => {
      assert.equal(parsePath(components.join('/'), 'refuse-root').ok, true)
    }),
  )
})

test('accepted paths can be used as they are: the system takes them or answers plainly', () => {
  const folder = mkdtempSync(join(tmpdir(), 'doorman-grammar-'))
  try {
    fc.assert(
      fc.property(pathLike, (text) => {
        const parsed = parsePath(text, 'refuse-root')
        if (parsed.ok) mkdirSync(join(folder, text), { recursive: true })
      }),
      rounds(200),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
