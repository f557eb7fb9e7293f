import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** What one scenario found: how many checks of its own passed, and the ids of those that failed, or could not be made. */
export interface ScenarioResult {
  readonly passed: number
  /** Those that only warned are among them. */
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
}

interface Check {
  readonly id: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
}

const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')
/** The official tool. */
export const conformanceProgram: string = join(dirname(manifest), 'dist', 'index.js')
/** Made of all traffic, so that it passes where a scenario looked at nothing. */
const everyScenarios = 'wire-schema-valid'
const patienceMilliseconds = 120_000

/** Runs the official tool's server scenarios of one set of requirements. Its exit code says nothing to us. */
export async function runConformance(
  url: string,
  requirements: string,
  folder: string,
): Promise<ReadonlyMap<string, ScenarioResult>> {
  const words = [conformanceProgram, 'server', '--url', url, '--requirements', requirements, '-o', folder]
  const child = spawn(process.execPath, words, { stdio: 'ignore', timeout: patienceMilliseconds })
  await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return readScenarios(folder, 'server')
}

/** What the tool has written into its folder, by scenario: a folder each, `<kind>-<scenario>-<time>`. */
export function readScenarios(
  folder: string,
  kind: 'server' | 'authorization-server',
): ReadonlyMap<string, ScenarioResult> {
  const scenarioOf = (name: string): string =>
    name.slice(kind.length + 1).replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, '')
  return new Map(readdirSync(folder).map((name) => [scenarioOf(name), readResult(join(folder, name))]))
}

function readResult(folder: string): ScenarioResult {
  // The tool's own format; a member that is missing fails the comparison.
  const checks = JSON.parse(readFileSync(join(folder, 'checks.json'), 'utf8')) as readonly Check[]
  return {
    passed: checks.filter(({ status, id }) => status === 'SUCCESS' && id !== everyScenarios).length,
    failed: checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING').map(({ id }) => id),
    skipped: checks.filter(({ status }) => status === 'SKIPPED').map(({ id }) => id),
  }
}
