import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { openLab } from '../end-to-end/doorman-process.ts'
import { runConformance } from './conformance-tool.ts'
import { startTokenProxy } from './token-proxy.ts'

/** Scenario → check → why it may fail; or why the scenario is left out. */
export type Scenarios = Readonly<Record<string, Readonly<Record<string, string>> | string>>
/** Of each set of requirements. */
type Expected = Readonly<Record<string, Scenarios>>

const text = readFileSync(new URL('expected.yaml', import.meta.url), 'utf8')

/** What the official tool is expected to find. The shape is seen in use: a member of another kind fails the comparison. */
export const expected = parse(text) as {
  readonly fixture: Expected
  /** For each way in which a gateway reaches the fixture: only what is different from the fixture itself. */
  readonly 'behind a gateway': Readonly<Record<string, Expected>>
  readonly 'files server': Expected
}

export type Results = Awaited<ReturnType<typeof runConformance>>

/** Runs the scenarios of one set of requirements against a server that wants a token. */
export async function resultsOf(
  lab: ReturnType<typeof openLab>,
  url: string,
  token: string,
  requirements: string,
): Promise<Results> {
  const proxy = await startTokenProxy(url, token)
  lab.keep(proxy.close)
  return runConformance(proxy.url, requirements, lab.makeFolder())
}

/** Holds results to what is expected, so that what is excused and passes is noticed too. */
export function compare(results: Results, scenarios: Scenarios): void {
  for (const [scenario, excused] of Object.entries(scenarios)) {
    if (typeof excused === 'string') continue
    const result = results.get(scenario)
    assert.ok(result !== undefined, `${scenario} did not run`)
    assert.deepEqual([...result.failed].toSorted(), Object.keys(excused).toSorted(), scenario)
    assert.ok(result.passed > 0, `${scenario} checked nothing`)
  }
}
