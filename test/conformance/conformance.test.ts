import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openLab } from '../end-to-end/doorman-process.ts'
import { allScopes, startDev } from '../end-to-end/protected-servers.ts'
import { compare, expected, resultsOf } from './expectations.ts'
import { startHttpFixture } from './fixture/http.ts'

const lab = openLab({ after })

for (const [requirements, scenarios] of Object.entries(expected.fixture)) {
  test(`the fixture passes the official scenarios of ${requirements}, all that there are`, async () => {
    const fixture = await startHttpFixture({ sessions: {} })
    lab.keep(fixture.close)
    const results = await resultsOf(lab, fixture.url, fixture.token, requirements)
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
      await resultsOf(lab, dev.url, await dev.token({ scope: allScopes.join(' ') }), requirements),
      scenarios,
    )
  })
}
