/**
 * What a doorman.yaml means, or exactly what is said of its mistakes.
 *
 * Each file of `configurations` is a case: the configuration, a line of dashes, and what comes of it. To write the
 * second half of a new one, run this file with UPDATE_GOLDEN=1, and read what it wrote.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { readConfiguration } from '#internal/config/read-configuration'

const folder = new URL('configurations/', import.meta.url)
const line = '\n----------\n'

function outcomeOf(text: string): string {
  const reading = readConfiguration(text, '/etc/doorman/doorman.yaml', 'doorman.yaml')
  if (!reading.ok) return reading.problems
  assert.ok(isFrozen(reading.configuration))
  // YAML leaves out what is undefined, and is easier to read than JSON.
  return stringify(reading.configuration, { aliasDuplicateObjects: false, lineWidth: 100 })
}

function isFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isFrozen)
}

const cases = readdirSync(folder).filter((name) => name.endsWith('.case'))

test('there are at least forty cases, of both kinds', () => {
  assert.ok(cases.length >= 40, String(cases.length))
})

for (const name of cases) {
  test(`configuration: ${name.replace('.case', '').replaceAll('-', ' ')}`, () => {
    const file = new URL(name, folder)
    const [input = '', expected] = readFileSync(file, 'utf8').split(line)
    const outcome = outcomeOf(`${input}\n`)
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, `${input}${line}${outcome}`)
    else assert.equal(outcome, expected)
  })
}
