import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import { readLines } from '#internal/stdio/read-lines'
import { rounds } from '../../../test/rounds.ts'

const limit = 16

async function linesOf(chunks: readonly Buffer[]): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of readLines(Readable.from(chunks, { objectMode: true }), limit)) {
    lines.push(line.kind === 'line' ? line.text : '(too long)')
  }
  return lines
}

/** What the lines are, said in one sentence rather than read piece by piece. */
function expected(input: Buffer): readonly string[] {
  return input
    .toString('latin1')
    .split('\n')
    .map((line) => Buffer.from(line, 'latin1'))
    .map((line) => (line.length > limit ? '(too long)' : line.toString('utf8').trim()))
    .filter((text) => text !== '')
}

function cut(input: Buffer, places: readonly number[]): readonly Buffer[] {
  const edges = [...new Set([0, ...places.map((place) => place % (input.length + 1)), input.length])].sort(
    (a, b) => a - b,
  )
  return edges.slice(1).map((edge, index) => input.subarray(edges[index], edge))
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  // Many line ends, empty lines, and characters of several bytes.
  fc
    .array(fc.constantFrom('\n', '\r\n', 'a', ' ', 'é', '😀', 'abcdefghijklmnop'), { maxLength: 60 })
    .map((parts) => Buffer.from(parts.join(''))),
)

test('lines are the same however the input is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(fc.nat(), { maxLength: 30 }), async (input, places) => {
      const buffer = Buffer.from(input)
      assert.deepEqual(await linesOf(cut(buffer, places)), expected(buffer))
    }),
    rounds(500),
  )
})

for (const [name, input, lines] of [
  ['nothing', '', []],
  ['exactly the limit', 'a'.repeat(limit), ['a'.repeat(limit)]],
  ['one more than the limit', 'a'.repeat(limit + 1), ['(too long)']],
  ['a limit that ends within a character', `${'a'.repeat(limit - 1)}é\nb`, ['(too long)', 'b']],
  ['a long line between others', `a\n${'b'.repeat(1000)}\nc\n`, ['a', '(too long)', 'c']],
  ['a byte order mark and a carriage return', '\ufeffa\r\n', ['a']],
] as const) {
  test(`readLines: ${name}`, async () => {
    assert.deepEqual(await linesOf([Buffer.from(input)]), lines)
    assert.deepEqual(await linesOf([...Buffer.from(input)].map((byte) => Buffer.from([byte]))), lines)
  })
}
