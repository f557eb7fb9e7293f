import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { openLab } from '../end-to-end/doorman-process.ts'
import { allScopes, startDev } from '../end-to-end/protected-servers.ts'
import { runConformance } from './conformance-tool.ts'
import { startTokenProxy } from './token-proxy.ts'

/** Scenario → check → why it may fail. */
type Expected = Readonly<Record<string, Readonly<Record<string, string>>>>

const text = readFileSync(new URL('expected.yaml', import.meta.url), 'utf8')
// The shape is seen below: a member of another kind fails the comparison.
const expected = parse(text) as Readonly<Record<string, Expected>>

const lab = openLab({ after })

for (const [requirements, scenarios] of Object.entries(expected)) {
  test(`the files server passes the official scenarios of ${requirements} that concern it`, async () => {
    const dev = await startDev(lab, { words: ['--limit', 'off'] })
    const proxy = await startTokenProxy(dev.url, await dev.token({ scope: allScopes.join(' ') }))
    lab.keep(proxy.close)
    const results = await runConformance(proxy.url, requirements, lab.makeFolder())
    for (const [scenario, excused] of Object.entries(scenarios)) {
      const result = results.get(scenario)
      assert.ok(result !== undefined, `${scenario} did not run`)
      assert.deepEqual([...result.failed].toSorted(), Object.keys(excused).toSorted(), scenario)
      assert.ok(result.passed > 0, `${scenario} checked nothing`)
    }
  })
}
