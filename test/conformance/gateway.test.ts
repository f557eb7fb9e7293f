/** M30: the fixture behind a gateway, held to what it is held to when it is asked directly. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ways } from '../../packages/gateway/test/fixtures.ts'
import { openLab } from '../end-to-end/doorman-process.ts'
import { compare, expected, resultsOf } from './expectations.ts'
import { startHttpFixture } from './fixture/http.ts'

const lab = openLab({ after })

for (const [way, differences] of Object.entries(expected['behind a gateway'])) {
  for (const [requirements, different] of Object.entries(differences)) {
    test(`M30: the fixture behind a gateway, over ${way}, passes ${requirements} as it does itself`, async () => {
      const { relay } = (await ways[way]?.({ after: lab.keep })) ?? assert.fail(`There is no way ${way}.`)
      const gateway = await startHttpFixture({ endpoint: relay, sessions: {} })
      lab.keep(gateway.close)
      const results = await resultsOf(lab, gateway.url, gateway.token, requirements)
      compare(results, { ...expected.fixture[requirements], ...different })
    })
  }
}
