import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { checkFiles } from './check-files.ts'
import { checkKeys } from './check-keys.ts'
import { checkLogin } from './check-login.ts'
import { checkTokens } from './check-tokens.ts'
import { findExample, type Command, type Example } from './examples.ts'
import { issuerKinds } from './trusted-issuers.ts'

const patienceMilliseconds = 15 * 60_000

/**
 * Registers the checks of an example with node:test: that it is protected, against issuers of each kind, and that its
 * own tests pass.
 */
export function checkExample(name: string): void {
  const example = findExample(name)
  describe(`the example ${name}`, { timeout: patienceMilliseconds }, () => {
    if (example.build !== undefined) {
      const { build } = example
      before(() => runInFolder(example, build), { timeout: patienceMilliseconds })
    }
    if (example.test !== undefined) {
      const { test: command } = example
      test('passes its own tests', { timeout: patienceMilliseconds }, () => runInFolder(example, command))
    }
    for (const kind of issuersOf(example)) {
      checkLogin(example, kind)
      checkTokens(example, kind)
      checkKeys(example, kind)
      if (example.serves === 'files') checkFiles(example, kind)
    }
  })
}

/** Those that show a framework are told of one kind, to keep them short. */
function issuersOf({ serves }: Example): typeof issuerKinds | readonly ['standard'] {
  return serves === 'files' ? issuerKinds : ['standard']
}

/** @throws {Error} with what the command printed, when it fails */
function runInFolder(example: Example, [program, ...words]: Command): void {
  execFileSync(program, words, {
    cwd: join(import.meta.dirname, '..', example.name),
    stdio: 'pipe',
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined }, // Or Node's own runner in there would run nothing.
  })
}
