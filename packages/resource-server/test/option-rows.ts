import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createResourceServer, type ResourceServerOptions } from '@mcp-doorman/resource-server'
import { createMemorySink } from './guarded.ts'

export const good: ResourceServerOptions = {
  resource: 'https://mcp.example/mcp',
  issuers: [{ issuer: 'https://issuer.example' }],
  scopes: { a: {}, b: { implies: ['a'] } },
  rules: [{ tools: ['x'], require: { scopes: ['a'] } }],
  audit: createMemorySink(),
}

/** What the server says of options that plain JavaScript could pass. */
export function mistakesOf(change: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    void createResourceServer({ ...good, ...change }).close()
    return []
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error))
    const [first, ...lines] = error.message.split('\n- ')
    assert.equal(first, 'The resource server cannot be built:')
    return lines
  }
}

export type OptionRow = readonly [
  name: string,
  change: Readonly<Record<string, unknown>>,
  mistakes: readonly RegExp[],
]

/** Makes a test of each row. */
export function testOptions(rows: readonly OptionRow[]): void {
  for (const [name, change, expected] of rows) {
    test(`options with ${name} are ${expected.length === 0 ? 'accepted' : 'refused'}`, () => {
      const mistakes = mistakesOf(change)
      assert.equal(mistakes.length, expected.length, mistakes.join('\n'))
      for (const [place, pattern] of expected.entries()) assert.match(mistakes[place] ?? '', pattern)
    })
  }
}
