import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { projectRoot } from './sources.ts'

/** One rule that the project claims to hold. */
interface Requirement {
  readonly id: string
  /** The source's own keyword; `P-` where the policy is ours. */
  readonly level: string
  readonly source: string
  readonly rule: string
  /** Files whose tests cite the id. */
  readonly tests?: readonly string[]
  /** Why it is not held, for what the source leaves open or what does not arise here. */
  readonly reason?: string
}

// The shape is checked by the first test.
const requirements = parse(
  readFileSync(`${projectRoot}/docs/requirements.yaml`, 'utf8'),
) as readonly Requirement[]
const levels = /^(?:P-)?(?:MUST|MUST NOT|SHOULD|SHOULD NOT|MAY|RECOMMENDED)$/
// What a URL encodes, as %C3, is no id.
const idPattern = /(?<!%)\b(?:CR|CA|CG|[A-M])[0-9]{1,3}\b/g

function citedIds(text: string): ReadonlySet<string> {
  return new Set(text.match(idPattern) ?? [])
}

test('every requirement has an id of its own, a level, a source, a rule in one sentence, and tests or a reason', () => {
  const ids = requirements.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const { id, level, source, rule, tests = [], reason } of requirements) {
    assert.match(level, levels, id)
    assert.ok(source.length > 2, id)
    assert.match(rule, /^[^\n]{10,300}\.$/, id)
    assert.equal(tests.length > 0, reason === undefined, `${id} needs tests, or a reason to have none`)
    if (reason !== undefined) assert.match(reason, /^[^\n]{10,300}\.$/, id)
  }
})

for (const { id, tests } of requirements) {
  if (tests === undefined) continue
  test(`${id} is cited by the tests that hold it`, () => {
    for (const path of tests) {
      assert.ok(existsSync(`${projectRoot}/${path}`), `${path} does not exist`)
      assert.ok(
        citedIds(readFileSync(`${projectRoot}/${path}`, 'utf8')).has(id),
        `${path} does not cite ${id}`,
      )
    }
  })
}

test('every id that a test name cites is in the list', () => {
  const known = new Set(requirements.map(({ id }) => id))
  const unknown = globSync(['packages/*/test/*.test.ts', 'test/*/*.test.ts'], { cwd: projectRoot })
    .filter((path) => !path.startsWith('test/project/'))
    .flatMap((path) => {
      const names = [...readFileSync(`${projectRoot}/${path}`, 'utf8').matchAll(/\btest\(\s*[`'"]([^`'"]*)/g)]
      return names.flatMap(([, name = '']) =>
        [...citedIds(name)].filter((id) => !known.has(id)).map((id) => `${path}: ${id}`),
      )
    })
  assert.deepEqual(unknown, [])
})
