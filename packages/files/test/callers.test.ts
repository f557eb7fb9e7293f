import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Caller } from '@mcp-doorman/mcp-endpoint'
import { failureOf, fieldsOf, inSandbox, type Sandbox } from './sandbox.ts'

const issuer = 'https://issuer.example'

function callerOf(subject: string, from = issuer): Caller {
  return { issuer: from, subject, clientId: 'client' }
}

async function writeAs(sandbox: Sandbox, caller: Caller, content: string): Promise<void> {
  fieldsOf(await sandbox.call('write_file', { path: 'notes/f.txt', content }, { caller }))
}

test('all callers share the directory unless told otherwise', () =>
  inSandbox({}, async (sandbox) => {
    await writeAs(sandbox, callerOf('ann'), 'from ann')
    const { text } = await sandbox.ok('read_file', { path: 'notes/f.txt' }, callerOf('ben'))
    assert.equal(text, 'from ann')
  }))

test("per user: each caller's root is a directory of their own, made with mode 0700 on the first write", () =>
  inSandbox({ perUser: true }, async (sandbox) => {
    const ann = callerOf('ann')
    const listed = await sandbox.ok('list_files', {}, ann)
    assert.deepEqual(listed.entries, [], 'the root is empty before it exists')
    const missing = failureOf(await sandbox.call('read_file', { path: 'notes/f.txt' }, { caller: ann }))
    assert.match(missing, /^not_found: /)
    assert.deepEqual(readdirSync(sandbox.root), ['plain.txt'], 'looking makes nothing')

    await writeAs(sandbox, ann, 'from ann')
    const name = createHash('sha256').update(`${issuer}\0ann`).digest('hex')
    assert.deepEqual(new Set(readdirSync(sandbox.root)), new Set([name, 'plain.txt']))
    assert.equal(lstatSync(join(sandbox.root, name)).mode & 0o777, 0o700)
    assert.equal((await sandbox.ok('read_file', { path: 'notes/f.txt' }, ann)).text, 'from ann')
    for (const path of [`${name}/notes/f.txt`, 'plain.txt']) {
      assert.match(failureOf(await sandbox.call('read_file', { path }, { caller: ann })), /^not_found: /)
    }
    const stdio = await sandbox.ok('read_file', { path: `${name}/notes/f.txt` })
    assert.equal(stdio.text, 'from ann', 'a transport without callers has the directory itself')
  }))

test('per user, row 64: whatever the subject says, roots are separate and directly below the base', () =>
  inSandbox({ perUser: true }, async (sandbox) => {
    const callers = [
      callerOf('../../x'),
      callerOf('a/b'),
      callerOf('s'.repeat(10_240)),
      callerOf('Ann'),
      callerOf('ann'),
      callerOf('ann', 'https://other.example'),
      callerOf('ann\0'),
      callerOf('.'),
    ]
    for (const [at, caller] of callers.entries()) await writeAs(sandbox, caller, `content ${at}`)
    for (const [at, caller] of callers.entries()) {
      assert.equal((await sandbox.ok('read_file', { path: 'notes/f.txt' }, caller)).text, `content ${at}`)
    }
    const names = readdirSync(sandbox.root).filter((name) => name !== 'plain.txt')
    assert.equal(names.length, callers.length)
    for (const name of names) assert.match(name, /^[0-9a-f]{64}$/)
  }))

test('per user, row 64: a caller without a usable subject is refused by every tool', () =>
  inSandbox({ perUser: true }, async (sandbox) => {
    const unusable: readonly Caller[] = [
      callerOf(''),
      callerOf('ann', ''),
      callerOf('\ud800'),
      callerOf('ann', 'https://issuer.example\0x'),
      // What a caller without types might pass.
      { issuer, clientId: undefined } as unknown as Caller,
      { issuer, subject: 5, clientId: undefined } as unknown as Caller,
    ]
    for (const caller of unusable) {
      for (const [tool, args] of [
        ['read_file', { path: 'plain.txt' }],
        ['list_files', {}],
        ['write_file', { path: 'x', content: 'x' }],
      ] as const) {
        assert.match(failureOf(await sandbox.call(tool, args, { caller })), /^no_subject: /)
      }
    }
    assert.deepEqual(readdirSync(sandbox.root), ['plain.txt'])
  }))

test("per user: a link in the place of a caller's own directory is not followed", () =>
  inSandbox({ perUser: true }, async (sandbox) => {
    const name = createHash('sha256').update(`${issuer}\0ann`).digest('hex')
    symlinkSync('../O', join(sandbox.root, name))
    const caller = callerOf('ann')
    for (const [tool, args] of [
      ['read_file', { path: 'secret' }],
      ['list_files', {}],
      ['write_file', { path: 'x', content: 'x' }],
    ] as const) {
      const answer = failureOf(await sandbox.call(tool, args, { caller }))
      assert.ok(!answer.includes(name), 'the name of the directory is not shown')
    }
  }))

test('I10: read-only: the tools that write are not offered, and the others work', () =>
  inSandbox({ readOnly: true }, async (sandbox) => {
    assert.deepEqual(
      sandbox.server.tools.map(({ name }) => name),
      ['read_file', 'list_files', 'search_files'],
    )
    const scoped = [...sandbox.server.scopesOf.keys()].toSorted()
    assert.deepEqual(scoped, ['list_files', 'read_file', 'search_files'])
    await sandbox.ok('list_files', {})
  }))

test('each tool names the scopes that a call of it needs', () =>
  inSandbox({}, (sandbox) => {
    assert.deepEqual(Object.fromEntries(sandbox.server.scopesOf), {
      read_file: ['files:read'],
      list_files: ['files:list'],
      write_file: ['files:write'],
      edit_file: ['files:read', 'files:write'],
      search_files: ['files:read', 'files:list'],
      move_file: ['files:write'],
      delete_file: ['files:write'],
    })
  }))
