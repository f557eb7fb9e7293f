/** The spans of members and elements are exactly those that a parser sees, whatever the text. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { elementsOf, membersOf } from '#internal/json-text'
import { rounds } from '../../../test/rounds.ts'

/** JSON with white space wherever it may be, and escapes wherever they may be. */
const spaced = fc
  .tuple(
    fc.jsonValue({ maxDepth: 4 }),
    fc.array(fc.constantFrom('', ' ', '\n', '\t', '\r\n'), { minLength: 1 }),
  )
  .map(([value, spaces]) => {
    let count = 0
    const space = (): string => spaces[(count += 1) % spaces.length] ?? ''
    const write = (inner: unknown): string => {
      if (Array.isArray(inner))
        return `[${space()}${inner.map(write).join(`${space()},${space()}`)}${space()}]`
      if (typeof inner !== 'object' || inner === null) return JSON.stringify(inner)
      const members = Object.entries(inner).map(([name, one]) => {
        return `${JSON.stringify(name)}${space()}:${space()}${write(one)}`
      })
      return `{${space()}${members.join(`${space()},${space()}`)}${space()}}`
    }
    return space() + write(value) + space()
  })

test('every member of an object is found where it stands', () => {
  fc.assert(
    fc.property(spaced, (text) => {
      const value: unknown = JSON.parse(text)
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return
      const members = membersOf(text)
      assert.ok(members !== undefined)
      const read = [...members].map(([name, { start, end }]) => [name, JSON.parse(text.slice(start, end))])
      assert.deepEqual(
        read,
        Object.entries(value).map(([name, one]) => [name, one as unknown]),
      )
    }),
    rounds(300),
  )
})

test('every element of an array is found where it stands', () => {
  fc.assert(
    fc.property(spaced, (text) => {
      const value: unknown = JSON.parse(text)
      if (!Array.isArray(value)) return
      const read = elementsOf(text).map(({ start, end }): unknown => JSON.parse(text.slice(start, end)))
      assert.deepEqual(read, value)
    }),
    rounds(300),
  )
})

for (const [text, names] of [
  ['{}', []],
  [' { } ', []],
  ['{"a":1,"a":2}', undefined],
  ['{"a":1,"\\u0061":2}', undefined],
  ['{"a":"\\"}","b":"\\\\"}', ['a', 'b']],
  ['{"a":{"a":1,"a":2},"b":[{}]}', ['a', 'b']],
  ['{"":1e5,"b":-0.5}', ['', 'b']],
] as const) {
  test(`the members of ${text} are ${names?.join(', ') ?? 'not to be told apart'}`, () => {
    const members = membersOf(text)
    assert.deepEqual(members && [...members.keys()], names)
  })
}
