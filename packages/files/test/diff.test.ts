import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Change, compose, type Replacement } from '#internal/content/changes'
import { formatDiff } from '#internal/content/diff'
import { rounds } from '../../../test/rounds.ts'

function replaceAll(text: string, replacements: readonly Replacement[]): string {
  return replacements
    .toReversed()
    .reduce((all, { start, end, text: by }) => all.slice(0, start) + by + all.slice(end), text)
}

const anyText = fc
  .array(fc.constantFrom('a', 'b', 'c d', '\n', '\r\n'), { maxLength: 30 })
  .map((p) => p.join(''))

/** Replacements that fit a text: places drawn as numbers, made sound here. */
function fitReplacements(
  text: string,
  drawn: readonly (readonly [number, string])[],
): readonly Replacement[] {
  const places = drawn.map(([place]) => place % (text.length + 1)).toSorted((a, b) => a - b)
  const result: Replacement[] = []
  for (let at = 0; at + 1 < places.length; at += 2) {
    result.push({ start: places[at] ?? 0, end: places[at + 1] ?? 0, text: drawn[at]?.[1] ?? '' })
  }
  return result
}

const drawn = fc.array(fc.tuple(fc.nat(1000), anyText), { maxLength: 8 })

/** Applies a unified diff. Strict about every context line, count and position. */
function applyDiff(text: string, diff: string): string {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const output: string[] = []
  let at = 0
  const patch = diff.match(/[^\n]*\n/g) ?? []
  for (let index = 0; index < patch.length;) {
    const [, from = '', count = '', , newCount = ''] =
      /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@\n$/.exec(patch[index++] ?? '') ?? []
    assert.notEqual(from, '', patch[index - 1])
    const start = Number(count) === 0 ? Number(from) : Number(from) - 1
    assert.ok(start >= at)
    output.push(...lines.slice(at, start))
    at = start
    let [oldSeen, newSeen] = [0, 0]
    while (index < patch.length && !(patch[index] ?? '').startsWith('@@')) {
      const sign = patch[index]?.[0]
      let line = patch[index++]?.slice(1) ?? ''
      if (patch[index]?.startsWith('\\') === true) {
        index++
        line = line.slice(0, -1)
      }
      if (sign !== '+') {
        assert.equal(lines[at++], line)
        oldSeen++
      }
      if (sign !== '-') {
        output.push(line)
        newSeen++
      }
    }
    assert.deepEqual([oldSeen, newSeen], [Number(count), Number(newCount)])
  }
  return [...output, ...lines.slice(at)].join('')
}

test('changes of several steps, taken together, say where the last text differs from the first, and the diff leads there', () => {
  fc.assert(
    fc.property(anyText, fc.array(drawn, { maxLength: 4 }), (before, steps) => {
      let text = before
      let changes: readonly Change[] = []
      for (const step of steps) {
        const replacements = fitReplacements(text, step)
        changes = compose(changes, replacements)
        text = replaceAll(text, replacements)
      }
      let [oldAt, newAt] = [0, 0]
      for (const { oldStart, oldEnd, newStart, newEnd } of changes) {
        assert.ok(oldStart >= oldAt && oldEnd >= oldStart && newEnd >= newStart)
        assert.equal(before.slice(oldAt, oldStart), text.slice(newAt, newStart))
        ;[oldAt, newAt] = [oldEnd, newEnd]
      }
      assert.equal(before.slice(oldAt), text.slice(newAt))

      const diff = formatDiff(before, text, changes, 1_000_000)
      assert.ok(diff.complete)
      assert.equal(applyDiff(before, diff.text), text)
    }),
    rounds(3000),
  )
})

test('a diff shows three lines around a change, and joins changes that are near', () => {
  const lines = Array.from({ length: 30 }, (_, at) => `line ${at + 1}\n`)
  const before = lines.join('')
  const replacements = [10, 12, 25].map((number) => {
    const start = lines.slice(0, number - 1).join('').length
    return { start, end: start + 4, text: 'LINE' }
  })
  const { text } = formatDiff(before, replaceAll(before, replacements), compose([], replacements), 16_384)
  assert.deepEqual(text.match(/^@@.*$/gm), ['@@ -7,9 +7,9 @@', '@@ -22,7 +22,7 @@'])
  assert.ok(
    text.startsWith('@@ -7,9 +7,9 @@\n line 7\n line 8\n line 9\n-line 10\n+LINE 10\n line 11\n-line 12\n'),
  )
})

test('a long diff ends after a whole line and says that it is not all', () => {
  const before = 'x\n'.repeat(20_000)
  const replacement = { start: 0, end: before.length, text: 'y\n'.repeat(20_000) }
  const { text, complete } = formatDiff(before, replacement.text, compose([], [replacement]), 16_384)
  assert.equal(complete, false)
  assert.ok(text.length <= 16_384 && text.length > 16_000 && text.endsWith('\n'))
})
