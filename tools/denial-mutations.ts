/**
 * Breaks what produces each denial, one place at a time, and sees that a test fails.
 *
 *   node tools/denial-mutations.ts                all codes
 *   node tools/denial-mutations.ts token_missing  these codes
 *
 * Works on a copy of the compiled packages, so the project is not touched. Ends with 1 when a break goes unnoticed.
 */
import { spawn } from 'node:child_process'
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { denials } from '@mcp-doorman/resource-server'

const root = resolve(import.meta.dirname, '..')
const packages = ['resource-server', 'mcp-endpoint']
/** Where codes are only looked at. */
const readers = new Set(['denials.js', 'audit.js', 'challenge.js', 'routes.js'])
/** Bounds of memory and time: they take long and judge no denial. */
const slowTests = /\/(?:token-memory|replay-store|limits|audit-file|batched-sink|drain|any-bytes|stdio)\.test/
/** Conditions that are there for the types: without them the same code comes from further down. */
const sameWithout: ReadonlyMap<string, string> = new Map([
  // What is absent is no scheme of ours either.
  ['token_missing', 'if (value === undefined)'],
])
const workers = 2
const timeoutMilliseconds = 90_000

/** A place that produces a code, and the text of its file without it. */
interface Mutant {
  readonly code: string
  readonly package: string
  /** Below the package. */
  readonly file: string
  readonly line: number
  readonly text: string
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((code) => !Object.hasOwn(denials, code))
if (unknown.length > 0) {
  console.error(`No denial is called ${unknown.join(', ')}.`)
  process.exit(2)
}
const mutants = packages
  .flatMap(findMutants)
  .filter(({ code }) => wanted.length === 0 || wanted.includes(code))
await checkWhole()
const queue = [...mutants]
const survivors: Mutant[] = []
await Promise.all(Array.from({ length: workers }, work))

const codes = new Set(mutants.map(({ code }) => code))
const missing = wanted.length > 0 ? [] : Object.keys(denials).filter((code) => !codes.has(code))
for (const { code, package: name, file, line } of survivors) {
  console.error(`Unnoticed: ${code} in packages/${name}/${file}:${line}`)
}
for (const code of missing) console.error(`Nothing produces ${code}.`)
console.log(
  `${mutants.length} breaks of ${codes.size} codes, ${mutants.length - survivors.length} noticed by tests.`,
)
process.exit(survivors.length + missing.length > 0 ? 1 : 0)

function findMutants(name: string): readonly Mutant[] {
  const folder = join(root, 'packages', name)
  return globSync('dist/**/*.js', { cwd: folder })
    .filter((file) => !readers.has(basename(file)))
    .toSorted()
    .flatMap((file) => {
      const lines = readFileSync(join(folder, file), 'utf8').split('\n')
      return lines.flatMap((line, index) =>
        codesIn(line)
          .filter((code) => sameWithout.get(code) !== lines[index - 1]?.trim())
          .map((code): Mutant => {
            const changed = removeProduction(lines, index, code)
            return { code, package: name, file, line: index + 1, text: changed.join('\n') }
          }),
      )
    })
}

/** The codes that a line produces: not those that it compares with. */
function codesIn(line: string): readonly string[] {
  return [...line.matchAll(/(?<!=== )'([a-z_]+)'/g)]
    .map(([, text = '']) => text)
    .filter((text) => Object.hasOwn(denials, text))
}

/**
 * Takes away what leads to a code: the condition before it, the branch of a choice that it stands in, or the answer that
 * it is. Reads what the compiler writes: a condition has a line, a branch of a long choice too.
 */
function removeProduction(lines: readonly string[], index: number, code: string): readonly string[] {
  const line = lines[index] ?? ''
  const before = lines[index - 1] ?? ''
  const at = (place: number, text: string): readonly string[] => lines.with(place, text)
  const literal = `'${code}'`

  const condition = /^(\s*)if \(.*\)( \{)?$/
  if (condition.test(before)) return at(index - 1, before.replace(condition, '$1if (false)$2'))
  // Several statements that a condition holds together.
  const opening = lines
    .slice(0, index)
    .findLastIndex((above) => depth(above) < depth(line) && above.trim() !== '')
  if (/^\s*if \(.*\) \{$/.test(lines[opening] ?? '')) {
    return at(opening, (lines[opening] ?? '').replace(condition, '$1if (false)$2'))
  }
  const inline = new RegExp(`[\\w.]+ \\? ${literal} : (\\w+|'\\w+')`)
  if (inline.test(line)) return at(index, line.replace(inline, '$1'))
  const otherwise = new RegExp(`(\\? '?\\w+'?) : ${literal}`)
  if (otherwise.test(line))
    return at(
      index,
      line.replace(otherwise, (_, kept: string) => `${kept} : ${kept.slice(2)}`),
    )
  const chosen = new RegExp(`^(\\s*return) .* \\? .*${literal}.* : (.*)$`)
  if (chosen.test(line)) return at(index, line.replace(chosen, '$1 $2'))
  const branch = /^(\s*): .*;$/
  if (branch.test(line) && /^\s*\? /.test(before)) {
    return at(index, line.replace(branch, `$1: ${before.trim().slice(2)};`))
  }
  if (/^\s*return .*ok: false.*;$/.test(line))
    return at(index, line.replace(/return .*;$/, 'return { ok: true };'))
  if (/^\s*return .*;$/.test(line)) return at(index, line.replace(/return .*;$/, 'return undefined;'))
  return at(index, line.replace(literal, 'undefined'))
}

function depth(line: string): number {
  return line.length - line.trimStart().length
}

/** Tests that fail by themselves would notice everything. */
async function checkWhole(): Promise<void> {
  const copy = makeCopy()
  try {
    for (const name of packages) {
      const folder = join(copy, 'packages', name)
      // Twice: on a busy machine a test of time may fail once.
      if ((await passes(testFiles(folder), folder)) || (await passes(testFiles(folder), folder))) continue
      console.error(`The tests of ${name} fail in a copy that nothing was broken in.`)
      process.exit(1)
    }
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** Takes one break after the other, in a copy of its own. */
async function work(): Promise<void> {
  const copy = makeCopy()
  try {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const path = join(copy, 'packages', mutant.package, mutant.file)
      const original = readFileSync(path, 'utf8')
      writeFileSync(path, mutant.text)
      const noticed = await isNoticed(copy, mutant)
      if (!noticed) survivors.push(mutant)
      console.log(`${noticed ? 'noticed' : 'UNNOTICED'} ${mutant.code} ${mutant.file}:${mutant.line}`)
      writeFileSync(path, original)
    }
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** The packages with their tests, beside links to everything that they import. */
function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'doorman-mutations-'))
  const scope = join(copy, 'node_modules', '@mcp-doorman')
  mkdirSync(scope, { recursive: true })
  for (const folder of ['test', 'packages']) mkdirSync(join(copy, folder))
  writeFileSync(join(copy, 'package.json'), '{"type":"module"}')
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@mcp-doorman')
      symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name))
  }
  cpSync(join(root, 'test/rounds.ts'), join(copy, 'test/rounds.ts'))
  symlinkSync(join(root, 'test/fixtures'), join(copy, 'test/fixtures'))
  for (const name of readdirSync(join(root, 'packages'))) {
    const target = join(copy, 'packages', name)
    const left = (path: string): boolean => !path.includes('node_modules') && !path.endsWith('.map')
    if (packages.includes(name))
      cpSync(join(root, 'packages', name), target, { recursive: true, filter: left })
    else symlinkSync(join(root, 'packages', name), target)
    symlinkSync(target, join(scope, name))
  }
  return copy
}

/** Asks the tests that say most about the code first, and all others only if those see nothing. */
async function isNoticed(copy: string, { code, package: name }: Mutant): Promise<boolean> {
  const folder = join(copy, 'packages', name)
  const files = testFiles(folder)
  const mentioning = files.filter((file) => readFileSync(file, 'utf8').includes(code))
  const [own, others] = [mentioning.filter((file) => /denials/.test(file)), mentioning]
  for (const group of [own, others, files]) {
    if (group.length > 0 && !(await passes(group, folder))) return true
  }
  return false
}

/** The tests that have to do with denials: those that mention one by its code. */
function testFiles(folder: string): readonly string[] {
  const anyCode = new RegExp(`\\b(?:${Object.keys(denials).join('|')})\\b`)
  return globSync('test/*.test.ts', { cwd: folder })
    .filter((file) => !slowTests.test(file))
    .map((file) => join(folder, file))
    .filter((file) => anyCode.test(readFileSync(file, 'utf8')))
}

function passes(files: readonly string[], folder: string): Promise<boolean> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return new Promise((done) => {
    const tests = spawn(process.execPath, ['--test', '--test-force-exit', '--test-timeout=20000', ...files], {
      cwd: folder,
      env,
      stdio: 'ignore',
      timeout: timeoutMilliseconds,
      killSignal: 'SIGKILL',
    })
    tests.once('exit', (status) => done(status === 0))
  })
}
