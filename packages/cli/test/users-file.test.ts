import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { UsageError } from '#internal/failure'
import { readUsersFile } from '#internal/users-file'
import * as fc from 'fast-check'

const folder = mkdtempSync(join(tmpdir(), 'users-'))
after(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'users.yaml')
const scopes = ['files:list', 'files:read', 'files:write']

function read(text: string): ReturnType<typeof readUsersFile> {
  writeFileSync(path, text)
  return readUsersFile(path, scopes)
}

const carol = {
  name: 'carol',
  password: 'secret',
  displayName: 'Carol C.',
  organization: 'acme',
  roles: ['editor'],
  groups: ['acme/docs'],
  mayConsentTo: ['files:list'],
  claims: { department: 'Docs' },
}

test('users are read from YAML and from JSON', () => {
  const yaml = `
users:
  - name: carol
    password: secret
    displayName: Carol C.
    organization: acme
    roles: [editor]
    groups: [acme/docs]
    mayConsentTo: [files:list]
    claims: { department: Docs }
`
  assert.deepEqual(read(yaml), [carol])
  assert.deepEqual(read(JSON.stringify({ users: [carol] })), [carol])
})

/** File → every problem, without the name of the file. */
const problems: Readonly<Record<string, readonly string[]>> = {
  '': ['1:1  begin with "users:" and a list of them below it.'],
  '- name: a': ['1:1  begin with "users:" and a list of them below it.'],
  'users:': ['1:1  users: must be a list of users.'],
  'users: []\nteams: 1\n': [
    '1:1  users: must have at least one user.',
    '2:1  teams: is unknown; only "users" can be here.',
  ],
  'users:\n  - name: a\n    password: 123\n  - pasword: b\n': [
    '3:5  users[0].password: must be a text.',
    '4:5  users[1].name: is missing.',
    '4:5  users[1].password: is missing.',
    '4:5  users[1].pasword: is unknown; known: name, password, displayName, email, organization, roles, groups, mayConsentTo, claims.',
  ],
  'users:\n  - {name: a, password: b, mayConsentTo: [files:list, files:raed]}\n': [
    '2:55  users[0].mayConsentTo[1]: there is no scope files:raed; known: files:list, files:read, files:write.',
  ],
  'users:\n  - {name: a, password: b}\n  - {name: a, password: b, claims: {sub: c}}\n': [
    '3:6  users[1].name: is there twice.',
    '3:37  users[1].claims.sub: is said by the issuer itself.',
  ],
  'users:\n  - {name: a, name: b}\n': ['2:15  This key stands here twice. Remove one of the two.'],
  'users: [a\n': [
    '2:1  The indentation fits nothing above. Put it under what it belongs to; text with ": " in it needs quotes.',
  ],
}
for (const [text, expected] of Object.entries(problems)) {
  test(`problems with their places: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => read(text),
      (error) => {
        assert.ok(error instanceof UsageError)
        const [first, ...said] = error.message.split('\n')
        assert.equal(first, 'The file of users cannot be used.')
        assert.deepEqual(
          said.slice(0, -1).map((line) => line.replace(`${path}:`, '')),
          expected,
        )
        assert.match(said.at(-1) ?? '', expected.length === 1 ? /^1 problem\.$/ : /^\d problems\.$/)
        return true
      },
    )
  })
}

test('a file that is not there is said by its name', () => {
  assert.throws(() => readUsersFile(join(folder, 'none.yaml'), scopes), /none\.yaml cannot be read: ENOENT/)
})

test('references that grow without end are refused', () => {
  const lines = Array.from({ length: 12 }, (_, level) => {
    const one = level === 0 ? '"x"' : `*a${level - 1}`
    return `a${level}: &a${level} [${Array.from({ length: 10 }, () => one).join(', ')}]`
  })
  assert.throws(() => read(`${lines.join('\n')}\nusers: *a11\n`), UsageError)
})

test('whatever the file says, it is users or a usage error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        assert.ok(read(text).length > 0)
      } catch (error) {
        assert.ok(error instanceof UsageError, String(error))
      }
    }),
  )
})
