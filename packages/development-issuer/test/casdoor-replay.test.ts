/** CA10: every exchange that was recorded of a real Casdoor, sent to the double. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differing, reduced } from './exchange-exceptions.ts'
import { findDifferences } from './exchange-differences.ts'
import { preparations } from './exchange-preparations.ts'
import { replay } from './exchange-replay.ts'
import { exchangeFiles, readExchange } from './recorded-exchanges.ts'

for (const file of exchangeFiles) {
  const reason = differing[file]
  const name = `replay of ${file}: ${readExchange(file).note}`
  if (reason === undefined) {
    test(name, async () => assert.deepEqual(await differencesOf(file), []))
  } else {
    test(`${name} → differs, since ${reason}`, async () => {
      assert.notDeepEqual(await differencesOf(file), [], 'it does not differ any more: remove its entry')
    })
  }
}

for (const [file, reason] of Object.entries(reduced)) {
  test(`${file} was recorded ${reason}, so that it cannot be compared whole`, async () => {
    const { recorded, answered } = await replay(file)
    const differences = findDifferences(recorded, answered, 'all members')
    assert.notDeepEqual(differences, [], 'it can be compared whole now: remove its entry')
  })
}

test('every exception is about an exchange that was recorded', () => {
  const named = [...Object.keys(differing), ...Object.keys(reduced), ...Object.keys(preparations)]
  assert.deepEqual(
    named.filter((file) => !exchangeFiles.includes(file)),
    [],
  )
})

async function differencesOf(file: string): Promise<readonly string[]> {
  const { recorded, answered } = await replay(file)
  return findDifferences(recorded, answered, file in reduced ? 'recorded members' : 'all members')
}
