import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { CallContext, Caller, ResourceOutput } from '@mcp-doorman/mcp-endpoint'
import { formatFileUri, readFileUri } from '#internal/file-uri'
import { parsePath } from '#internal/walk/grammar'
import type { FileChange } from '@mcp-doorman/files'
import { inSandbox, type Sandbox } from './sandbox.ts'
import { rounds } from '../../../test/rounds.ts'

/** The template looks at no more of it. */
function contextOf(caller?: Caller, mayUse: CallContext['mayUse'] = () => true): CallContext {
  return { caller, mayUse, signal: new AbortController().signal } as unknown as CallContext
}

async function read(sandbox: Sandbox, uri: string, caller?: Caller): Promise<ResourceOutput> {
  return sandbox.server.template.read(uri, {}, contextOf(caller))
}

async function complete(sandbox: Sandbox, value: string): Promise<readonly string[]> {
  return (await sandbox.server.template.complete?.['path']?.(value, {}, contextOf())) ?? []
}

test('text, images and other bytes are read whole, by the URI that a write gives', () =>
  inSandbox({}, async (sandbox) => {
    const path = 'a b/ü #?%41&+.txt'
    const written = await sandbox.call('write_file', { path, content: 'eins\r\n' })
    const link = written.content[1]
    assert.ok(link?.type === 'resource_link')
    assert.equal(link.uri, 'file:///a%20b/%C3%BC%20%23%3F%2541&+.txt')
    assert.deepEqual(await read(sandbox, link.uri), [
      { uri: link.uri, mimeType: 'text/plain', text: 'eins\r\n' },
    ])
    sandbox.put('utf16', Buffer.from('\ufeffzwei', 'utf16le'))
    assert.deepEqual(await read(sandbox, 'file:///utf16'), [
      { uri: 'file:///utf16', mimeType: 'text/plain', text: 'zwei' },
    ])
    sandbox.put('image', Buffer.from('GIF89a\0'))
    assert.deepEqual(await read(sandbox, 'file:///image'), [
      { uri: 'file:///image', mimeType: 'image/gif', blob: Buffer.from('GIF89a\0').toString('base64') },
    ])
  }))

test('G62, row 65: what is no file below the root is no resource', () =>
  inSandbox({ deny: ['.env'] }, async (sandbox) => {
    sandbox.put('a/b', 'b')
    sandbox.put('.env', 'hush')
    symlinkSync('../O/secret', join(sandbox.root, 'l'))
    for (const uri of [
      'file:///missing',
      'file:///a',
      'file:///',
      'file:///l',
      'file:///.env',
      'file:///a%2Fb',
      'file:///a%2fb',
      'file:///..%2FO/secret',
      'file:///%2e%2e/O/secret',
      'file:///a/b?x',
      'file:///a/b#y',
      'file:///a%00',
      'file:///%',
      'file://host/a/b',
      'FILE:///a/b',
    ]) {
      assert.equal(await read(sandbox, uri), undefined, uri)
    }
    assert.ok(await read(sandbox, 'file:///a/b'))
    sandbox.put('q?x#y', 'odd')
    assert.equal(await read(sandbox, 'file:///q?x#y'), undefined)
    assert.ok(await read(sandbox, 'file:///q%3Fx%23y'))
    sandbox.put('large', 'x'.repeat(1_048_577))
    await assert.rejects(read(sandbox, 'file:///large'), { name: 'CallerError', message: /^too_large: / })
    sandbox.put('large', 'x'.repeat(1_048_576))
    assert.ok(await read(sandbox, 'file:///large'))
  }))

test('every path has a URI that leads back to it, and every URI that is read has a path of the grammar', () => {
  const piece = fc.constantFrom(
    'a',
    '.',
    '..',
    '/',
    '%',
    '%2f',
    '?',
    '#',
    ' ',
    'ü',
    '😀',
    '\\',
    '&',
    '+',
    '~',
  )
  const text = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, (path) => {
      const parsed = parsePath(path, 'refuse-root')
      if (parsed.ok) assert.equal(readFileUri(formatFileUri(parsed.value), undefined).text, path)
      try {
        const { text: decoded } = readFileUri(`file:///${path}`, undefined)
        assert.ok(parsePath(decoded, 'refuse-root').ok)
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'invalid_path')
      }
    }),
    rounds(3000),
  )
})

test('G66: a path is completed by visible names, directories with a slash, 101 at most', () =>
  inSandbox({ deny: ['secret-*'] }, async (sandbox) => {
    for (const path of ['notes/today.md', 'notes/tomorrow.md', 'notes/.hidden', 'note', '.env', 'secret-a'])
      sandbox.put(path, '')
    symlinkSync('../O', join(sandbox.root, 'nothing'))
    assert.deepEqual(await complete(sandbox, ''), ['note', 'notes/', 'plain.txt'])
    assert.deepEqual(await complete(sandbox, 'no'), ['note', 'notes/'])
    assert.deepEqual(await complete(sandbox, 'notes/to'), ['notes/today.md', 'notes/tomorrow.md'])
    assert.deepEqual(await complete(sandbox, 'notes/'), ['notes/today.md', 'notes/tomorrow.md'])
    assert.deepEqual(await complete(sandbox, 'notes/.'), ['notes/.hidden'])
    for (const value of ['secret', '../', '/', 'notes//', 'nothing/', 'plain.txt/', 'missing/', '\ud800']) {
      assert.deepEqual(await complete(sandbox, value), [], value)
    }
    for (let at = 0; at < 150; at++) sandbox.put(`many/${at}`, '')
    assert.equal((await complete(sandbox, 'many/')).length, 101)
  }))

test('resources are listed to those who may list, and to nobody else', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('d/f', 'content')
    sandbox.put('.hidden', '')
    const { list } = sandbox.server.template
    const page = await list?.(undefined, contextOf())
    assert.deepEqual(
      page?.resources.map(({ uri, name, size }) => [uri, name, size]),
      [
        ['file:///d/f', 'f', 7],
        ['file:///plain.txt', 'plain.txt', 6],
      ],
    )
    for (const { annotations } of page?.resources ?? []) {
      assert.match(annotations?.lastModified ?? '', /^\d{4}-.*Z$/)
    }
    const caller = { issuer: 'https://issuer.example', subject: 'ann', clientId: undefined }
    const others = contextOf(caller, ({ kind, name }) => kind !== 'tool' || name !== 'list_files')
    assert.deepEqual(await list?.(undefined, others), { resources: [] })
  }))

test('every change by a call is told with the URI of what changed, and for whose root', () =>
  inSandbox({ perUser: true }, async (sandbox) => {
    const [ann, ben] = ['ann', 'ben'].map((subject): Caller => ({
      issuer: 'https://issuer.example',
      subject,
      clientId: undefined,
    }))
    assert.ok(ann && ben)
    const changes: FileChange[] = []
    sandbox.server.onChange((change) => void changes.push(change))
    const steps: ReadonlyArray<
      readonly [tool: string, args: Record<string, unknown>, uris: readonly string[]]
    > = [
      ['write_file', { path: 'a b', content: 'x' }, ['file:///a%20b']],
      ['edit_file', { path: 'a b', edits: [{ old: 'x', new: 'y' }], dry_run: true }, []],
      ['edit_file', { path: 'a b', edits: [{ old: 'x', new: 'y' }] }, ['file:///a%20b']],
      ['edit_file', { path: 'a b', edits: [{ old: 'x', new: 'y' }] }, []],
      ['move_file', { from: 'a b', to: 'c' }, ['file:///a%20b', 'file:///c']],
      ['write_file', { path: 'c', content: 'x', if_exists: 'fail' }, []],
      ['read_file', { path: 'c' }, []],
      ['delete_file', { path: 'c' }, ['file:///c']],
    ]
    for (const [tool, args, uris] of steps) {
      await sandbox.call(tool, args, { caller: ann })
      const told = changes.splice(0)
      assert.deepEqual(
        told.map(({ uri }) => uri),
        uris,
      )
      for (const { concerns } of told) {
        assert.deepEqual([concerns(ann), concerns(ben), concerns(undefined)], [true, false, false])
        assert.throws(() => concerns({ ...ann, subject: '' }))
      }
    }
  }))
