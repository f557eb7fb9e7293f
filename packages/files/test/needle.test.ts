import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Match, Needle, type Overlap, unifyLineEnds } from '#internal/content/needle'
import type { Steps } from '#internal/pace'
import { rounds } from '../../../test/rounds.ts'

/** Runs steps to their end; returns how many pauses they made. */
function runThrough(steps: Steps<void>): number {
  let pauses = 0
  while (steps.next().done !== true) pauses++
  return pauses
}

function findAll(needle: string, text: string, overlap: Overlap): readonly Match[] {
  const found: Match[] = []
  runThrough(new Needle(needle).find(text, overlap, (match) => found.push(match) > 0))
  return found
}

/** Tries every place; line ends are told apart by nothing. */
function findSlowly(needle: string, text: string, overlap: Overlap): readonly Match[] {
  const pattern = unifyLineEnds(needle)
  const units = text.match(/\r\n|[^]/g) ?? []
  const found: Match[] = []
  for (let at = 0; at + pattern.length <= units.length; at++) {
    const window = units.slice(at, at + pattern.length)
    if (window.map((unit) => (unit === '\r\n' ? '\n' : unit)).join('') !== pattern) continue
    const start = units.slice(0, at).join('').length
    found.push({ start, end: start + window.join('').length })
    if (overlap === 'apart') at += pattern.length - 1
  }
  return found
}

const piece = fc.constantFrom('a', 'b', 'ab', '\n', '\r\n', '\r', '😀')
const pieces = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(piece, { maxLength }).map((parts) => parts.join(''))

test('a needle is found wherever trying every place finds it, overlapping or apart', () => {
  fc.assert(
    fc.property(
      pieces(6).filter((needle) => needle !== ''),
      pieces(60),
      fc.constantFrom<Overlap>('overlapping', 'apart'),
      (needle, text, overlap) => {
        assert.deepEqual(findAll(needle, text, overlap), findSlowly(needle, text, overlap))
      },
    ),
    rounds(5000),
  )
})

test('a long needle that is cut from the text is found where it was cut', () => {
  fc.assert(
    fc.property(pieces(300), fc.nat(), fc.integer({ min: 1, max: 200 }), (text, at, length) => {
      const units = text.match(/\r\n|[^]/g) ?? []
      if (units.length === 0) return
      const from = at % units.length
      const needle = units.slice(from, from + length).join('')
      const start = units.slice(0, from).join('').length
      const found = findAll(needle, text, 'overlapping')
      assert.ok(found.some((match) => match.start === start && match.end === start + needle.length))
    }),
    rounds(500),
  )
})

test('row 41: the pairs that take the engine minutes are looked through in time that the text alone decides', () => {
  const text = 'a'.repeat(5_242_880)
  const pairs = [
    `${'a'.repeat(300)}b${'a'.repeat(2_000_000)}`,
    `b${'a'.repeat(2_621_440)}`,
    `${'a'.repeat(2_621_440)}b`,
    `${'a'.repeat(1000)}b${'a'.repeat(1000)}`,
    `${'aaaaaaab'.repeat(100_000)}c`,
    '(a+)+$',
  ]
  for (const needle of pairs) {
    const started = performance.now()
    assert.deepEqual(findAll(needle, text, 'overlapping'), [])
    assert.ok(performance.now() - started < 2000, `${needle.slice(0, 10)}: ${performance.now() - started} ms`)
  }
})

test('row 41: matches that overlap cost one walk together, also where line ends differ in length', () => {
  const matches = 20_000
  const line = 'a\n'
  const needle = line.repeat(50_000)
  const text = `\r\n${needle}${line.repeat(matches - 1)}`
  const started = performance.now()
  const found = findAll(needle, text, 'overlapping')
  assert.ok(performance.now() - started < 1000, `${performance.now() - started} ms`)
  assert.equal(found.length, matches)
  assert.deepEqual(found.at(-1), { start: text.length - needle.length, end: text.length })
})

test('a search through much text makes pauses, and ends when the report says so', () => {
  const needle = new Needle(`${'a'.repeat(100)}b`)
  const pauses = runThrough(needle.find('a'.repeat(2_000_000), 'apart', () => true))
  assert.ok(pauses >= 7, `${pauses} pauses`)
  const long = new Needle('a'.repeat(2_000_000))
  const pausesOfNeedle = runThrough(long.find('', 'apart', () => true))
  assert.ok(pausesOfNeedle >= 7, `${pausesOfNeedle} pauses`)
  let reports = 0
  runThrough(new Needle('a').find('aaaa', 'apart', () => ++reports < 2))
  assert.equal(reports, 2)
})
