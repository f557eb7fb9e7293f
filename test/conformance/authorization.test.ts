import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, test } from 'node:test'
import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import { findFreePort, openLab } from '../end-to-end/doorman-process.ts'
import { conformanceProgram, readScenarios } from './conformance-tool.ts'

const lab = openLab({ after })
const resource = 'http://127.0.0.1:8080/mcp'
const patienceMilliseconds = 60_000

/** Runs the official tool's authorization scenarios, and is the browser of the person that it waits for. */
async function runAuthorization(url: string, port: number): Promise<ReturnType<typeof readScenarios>> {
  const folder = lab.makeFolder()
  const words = ['authorization', '--url', url, '--client-id', 'doorman-dev', '--resource', resource]
  const child = spawn(process.execPath, [conformanceProgram, ...words, '-p', `${port}`, '-o', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patienceMilliseconds,
  })
  lab.keep(() => void child.kill())
  let said = ''
  let visited = false
  const visits: Promise<Response>[] = []
  const hear = (text: string): void => {
    said += text
    const [address] = /http:\/\/\S+\/authorize\?\S+(?=\s)/.exec(said) ?? []
    if (address === undefined || visited) return
    visited = true
    visits.push(fetch(address)) // Follows the redirect to the tool.
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  await Promise.all(visits)
  return readScenarios(folder, 'authorization-server')
}

const issuer = await startDevelopmentIssuer({
  port: 0,
  resources: [{ resource, scopes: ['files:read'] }],
  autoLogin: true,
  autoConsent: true,
})
lab.keep(() => issuer.close())

test('M40, M41, M42: the issuer passes both official authorization scenarios', async () => {
  const results = await runAuthorization(issuer.issuer, await findFreePort())
  assert.equal(results.size, 2)
  for (const scenario of ['authorization-server-metadata-endpoint', 'authorization-code-grant']) {
    const result = results.get(scenario)
    assert.ok(result !== undefined && result.passed > 0, scenario)
    assert.deepEqual([...result.failed, ...result.skipped], [], scenario)
  }
})

for (const [fault, parameters, scenario] of [
  ['metadata-issuer', { is: 'slash' }, 'authorization-server-metadata-endpoint'],
  ['iss', { mode: 'wrong' }, 'authorization-code-grant'],
] as const) {
  test(`with the fault ${fault} on, the scenario ${scenario} fails`, async (t) => {
    t.after(() => issuer.faults.clear())
    await issuer.faults.enable(fault, parameters)
    const results = await runAuthorization(issuer.issuer, await findFreePort())
    assert.ok((results.get(scenario)?.failed.length ?? 0) > 0, scenario)
  })
}
