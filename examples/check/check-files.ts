import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openLab } from '../../test/end-to-end/doorman-process.ts'
import type { Json, WireAnswer } from '../../test/end-to-end/mcp-wire.ts'
import type { Example } from './examples.ts'
import { openStand, secret, type Place, type StandingExample } from './standing-example.ts'
import type { IssuerKind, SigningIssuer } from './trusted-issuers.ts'

const ways = [
  '../secret.txt',
  'plans/../../secret.txt',
  './../secret.txt',
  '..',
  'plans/../..',
  'link-to-secret',
  'link-to-folder/secret.txt',
  'link-to-folder',
  'link-to-folder/.',
  'link-to-nothing',
  '..\\secret.txt',
  '%2e%2e/secret.txt',
  'notes.txt/../../secret.txt',
  'notes.txt\0../secret.txt',
  '../new.txt',
  'link-to-folder/new.txt',
] as const

/** What the tools do inside their directory, and that nothing leads out of it. */
export function checkFiles(example: Example, kind: IssuerKind): void {
  describe(`with files, and tokens of the kind ${kind}`, () => {
    const lab = openLab({ after })
    let place: Place
    let issuer: SigningIssuer
    let standing: StandingExample
    before(async () => {
      ;({ place, issuer, standing } = await openStand(lab, example, kind))
    })

    /** Each test has a user of its own, so that none is limited. */
    function call(sub: string, name: string, args: Json): Promise<WireAnswer> {
      const scope = 'files:list files:read files:write'
      return standing.call(issuer.sign({ scope, sub }), name, args)
    }

    test('each tool works, also in folders', async () => {
      const write = { path: 'plans/winter.md', content: '# Winter\n\u00fc\u{1f40e}\n' }
      assertWorks(await call('worker', 'write_file', write))
      assert.equal(readFileSync(join(place.folder, 'plans/winter.md'), 'utf8'), write.content)
      const read = await call('worker', 'read_file', { path: 'plans/winter.md' })
      assertWorks(read)
      assert.match(read.text, /# Winter\\n(?:\u00fc|\\u00fc)/)
      assertWorks(await call('worker', 'write_file', { ...write, content: 'short' }))
      assert.equal(readFileSync(join(place.folder, 'plans/winter.md'), 'utf8'), 'short')
      const list = await call('worker', 'list_files', { path: 'plans' })
      assertWorks(list)
      assert.match(list.text, /summer\.md[^]*winter\.md/)
      assert.deepEqual(readdirSync(join(place.folder, 'plans')), ['summer.md', 'winter.md'])
    })

    for (const path of [...ways, 'absolute']) {
      test(`nothing is read, listed or written by way of ${JSON.stringify(path)}`, async () => {
        const before = snapshot(place)
        const asked = path === 'absolute' ? join(dirname(place.folder), 'secret.txt') : path
        for (const [name, args] of [
          ['read_file', {}],
          ['list_files', {}],
          ['write_file', { content: 'overwritten' }],
        ] as const) {
          const answer = await call(`traveller ${path}`, name, { path: asked, ...args })
          assert.ok([200, 400].includes(answer.status), `${answer.status} ${answer.text}`)
          assert.ok(!answer.text.includes(secret), name)
          if (name === 'write_file' && isPlainName(path)) continue
          assert.match(answer.text, /"isError":\s*true|"error"/, name)
        }
        assert.deepEqual(snapshot(place), before)
      })
    }

    test('what is not a file is refused without waiting for it, and what is not there is said so', async () => {
      for (const [name, args] of [
        ['read_file', { path: 'pipe' }],
        ['read_file', { path: 'plans' }],
        ['read_file', { path: 'missing.txt' }],
        ['list_files', { path: 'notes.txt' }],
        ['write_file', { path: 'plans', content: '' }],
        ['write_file', { path: 'missing/new.txt', content: '' }],
      ] as const) {
        const answer = await call('curious', name, args)
        if (name === 'write_file' && answer.status === 200 && args.path.startsWith('missing')) continue
        assert.match(answer.text, /"isError":\s*true|"error"/, `${name} ${args.path}`)
        assert.ok(!answer.text.includes(place.folder), 'an error shows where the directory is')
      }
      assertWorks(await call('curious', 'read_file', { path: 'notes.txt' }))
    })
  })
}

/** Means nothing special here: may be the name of a file inside the directory. */
function isPlainName(path: string): boolean {
  return path.includes('\\') || path.includes('%')
}

/** What lies beside the directory. */
function snapshot(place: Place): unknown {
  const outside = dirname(place.folder)
  return {
    names: [readdirSync(outside), readdirSync(join(outside, 'private'))],
    secrets: ['secret.txt', 'private/secret.txt'].map((path) => readFileSync(join(outside, path), 'utf8')),
    new: existsSync(join(outside, 'new.txt')),
  }
}

function assertWorks(answer: WireAnswer): void {
  assert.equal(answer.status, 200, answer.text)
  assert.doesNotMatch(answer.text, /"isError":\s*true|"error":/)
}
