/** Checks that need no test: lint with types, format, and the types of tests and tools. All run, then the first failure counts. */
import { spawnSync } from 'node:child_process'

const checks: readonly (readonly [string, ...string[]])[] = [
  ['oxlint', '--type-aware'],
  ['oxfmt', '--check'],
  ['tsc', '-p', 'tsconfig.tests.json'],
]

let failed = false
for (const [command, ...words] of checks) {
  const { status, stdout, stderr } = spawnSync(command, words, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status === 0) continue
  failed = true
  console.error(`${command} ${words.join(' ')}\n${stdout}${stderr}`)
}
if (failed) process.exit(1)
