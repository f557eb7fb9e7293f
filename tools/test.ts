/**
 * Runs the tests.
 *
 *   node tools/test.ts           everything once, with short rounds of the long tests
 *   node tools/test.ts --all     the same, with long rounds
 *   node tools/test.ts --rest    only what --all adds
 *   --require                    a missing system package is a failure, instead of leaving its suite out
 *   node tools/test.ts files cli only these suites
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { accessSync, constants } from 'node:fs'
import { parseArgs } from 'node:util'
import { suites, type Suite } from './suites.ts'

const { values, positionals } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    rest: { type: 'boolean', default: false },
    require: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name))
if (unknown.length > 0) {
  console.error(
    `No suite is called ${unknown.join(', ')}. There are: ${suites.map(({ name }) => name).join(', ')}.`,
  )
  process.exit(2)
}

const wanted = suites.filter(
  (suite) =>
    (positionals.length === 0 || positionals.includes(suite.name)) &&
    (!values.rest || suite.hasLongRounds === true),
)
const missing = wanted.filter(({ needs }) => needs !== undefined && !isOnPath(needs.command))
const leftOut = missing.map(({ name, needs }) => `${name} (needs ${needs?.package ?? ''})`).join(', ')
if (missing.length > 0 && values.require) {
  console.error(`Required and not on this machine: ${leftOut}.`)
  process.exit(1)
}
if (missing.length > 0) console.log(`Left out, for want of a system package: ${leftOut}.`)

const running = wanted.filter((suite) => !missing.includes(suite))
const minutes = running.reduce((sum, suite) => sum + suite.minutes, 0)
const long = values.all || values.rest
console.log(
  `Running ${running.map(({ name }) => name).join(', ')}: about ${Math.ceil(minutes * (long ? 3 : 1))} minutes.`,
)

const files = running.flatMap(filesOf)
const { status, signal } = spawnSync(process.execPath, ['--test', '--test-timeout=300000', ...files], {
  stdio: 'inherit',
  env: { ...process.env, ...(long && { DOORMAN_LONG_ROUNDS: '1' }), NODE_ENV: 'test' },
})
if (missing.length > 0) console.log(`Left out, for want of a system package: ${leftOut}.`)
process.exit(signal === null ? (status ?? 1) : 1)

function filesOf(suite: Suite): readonly string[] {
  const found = suite.files.flatMap((pattern) => globSync(pattern)).sort()
  if (found.length === 0) {
    console.error(`The suite ${suite.name} has no files: correct tools/suites.ts.`)
    process.exit(1)
  }
  return found
}

function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
