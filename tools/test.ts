/**
 * Runs the tests.
 *
 *   node tools/test.ts           what needs nothing but Node, once, with short rounds of the long tests
 *   node tools/test.ts --all     everything, with long rounds
 *   node tools/test.ts --rest    only what --all adds
 *   --require                    a missing system package is a failure, instead of leaving its suite out
 *   node tools/test.ts files cli only these suites
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { suites, type Suite } from './suites.ts'
import { isOnPath } from './tool-chains.ts'

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

const long = values.all || values.rest
const wanted = suites.filter(({ name, hasLongRounds = false, onlyInAll = false }) => {
  if (positionals.length > 0) return positionals.includes(name)
  return values.rest ? hasLongRounds || onlyInAll : values.all || !onlyInAll
})
const missing = wanted.filter((suite) => wantsOf(suite).length > 0)
const leftOut = missing.map((suite) => `${suite.name} (needs ${wantsOf(suite).join(', ')})`).join(', ')
if (missing.length > 0 && values.require) {
  console.error(`Required and not on this machine: ${leftOut}.`)
  process.exit(1)
}

const running = wanted.filter((suite) => !missing.includes(suite))
const minutes = running.reduce(
  (sum, suite) => sum + suite.minutes * (long && suite.hasLongRounds === true ? 3 : 1),
  0,
)
console.log(`Running ${running.map(({ name }) => name).join(', ')}: about ${Math.ceil(minutes)} minutes.`)
sayWhatIsLeftOut()

const files = running.flatMap(filesOf)
const { status, signal } = spawnSync(process.execPath, ['--test', '--test-timeout=300000', ...files], {
  stdio: 'inherit',
  env: { ...process.env, ...(long && { DOORMAN_LONG_ROUNDS: '1' }), NODE_ENV: 'test' },
})
sayWhatIsLeftOut()
process.exit(signal === null ? (status ?? 1) : 1)

function filesOf(suite: Suite): readonly string[] {
  const found = suite.files.flatMap((pattern) => globSync(pattern)).sort()
  if (found.length === 0) {
    console.error(`The suite ${suite.name} has no files: correct tools/suites.ts.`)
    process.exit(1)
  }
  return found
}

/** The packages that a suite needs and that are not here. */
function wantsOf({ needs = [] }: Suite): readonly string[] {
  return needs.filter((each) => !isOnPath(each)).map((each) => each.package)
}

function sayWhatIsLeftOut(): void {
  if (missing.length > 0) console.log(`Left out, for want of a system package: ${leftOut}.`)
  if (positionals.length > 0 || long) return
  const later = suites.filter(({ onlyInAll }) => onlyInAll).map(({ name }) => name)
  if (later.length > 0) console.log(`Left to "npm run test:all": ${later.join(', ')}.`)
}
