import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { openLab } from '../end-to-end/doorman-process.ts'
import { allScopes, startDev } from '../end-to-end/protected-servers.ts'
import { runConformance } from './conformance-tool.ts'
import { startHttpFixture } from './fixture/http.ts'
import { startTokenProxy } from './token-proxy.ts'

/** Scenario → check → why it may fail; or why the scenario is left out. */
type Scenarios = Readonly<Record<string, Readonly<Record<string, string>> | string>>
/** Of each set of requirements. */
type Expected = Readonly<Record<string, Scenarios>>

const text = readFileSync(new URL('expected.yaml', import.meta.url), 'utf8')
// The shape is seen below: a member of another kind fails the comparison.
const expected = parse(text) as { readonly fixture: Expected; readonly 'files server': Expected }

const lab = openLab({ after })

for (const [requirements, scenarios] of Object.entries(expected.fixture)) {
  test(`the fixture passes the official scenarios of ${requirements}, all that there are`, async () => {
    const fixture = await startHttpFixture({ sessions: {} })
    lab.keep(fixture.close)
    const results = await resultsOf(fixture.url, fixture.token, requirements)
    assert.deepEqual([...results.keys()].toSorted(), Object.keys(scenarios).toSorted())
    compare(results, scenarios)
    for (const [scenario, { skipped }] of results) {
      if (typeof scenarios[scenario] !== 'string') assert.deepEqual(skipped, [], scenario)
    }
  })
}

for (const [requirements, scenarios] of Object.entries(expected['files server'])) {
  test(`the files server passes the official scenarios of ${requirements} that concern it`, async () => {
    const dev = await startDev(lab, { words: ['--limit', 'off'] })
    compare(
      await resultsOf(dev.url, await dev.token({ scope: allScopes.join(' ') }), requirements),
      scenarios,
    )
  })
}

type Results = Awaited<ReturnType<typeof runConformance>>

async function resultsOf(url: string, token: string, requirements: string): Promise<Results> {
  const proxy = await startTokenProxy(url, token)
  lab.keep(proxy.close)
  return runConformance(proxy.url, requirements, lab.makeFolder())
}

function compare(results: Results, scenarios: Scenarios): void {
  for (const [scenario, excused] of Object.entries(scenarios)) {
    if (typeof excused === 'string') continue
    const result = results.get(scenario)
    assert.ok(result !== undefined, `${scenario} did not run`)
    assert.deepEqual([...result.failed].toSorted(), Object.keys(excused).toSorted(), scenario)
    assert.ok(result.passed > 0, `${scenario} checked nothing`)
  }
}
