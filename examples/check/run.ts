/**
 * Checks that examples are protected.
 *
 *   node examples/check/run.ts python go
 */
import { checkExample } from './check-example.ts'

const names = process.argv.slice(2)
if (names.length === 0) {
  console.error('Name at least one example: node examples/check/run.ts python')
  process.exitCode = 2
}
for (const name of names) checkExample(name)
