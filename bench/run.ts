/**
 * Measures Doorman beside raw node:http and the official SDK, in turn, on this machine.
 *
 *   npm run bench -- --rounds 5 --seconds 3 --connections 16 --era 2026 --json --profile FOLDER
 */
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { verifyChain } from '@mcp-doorman/resource-server/audit-log'
import { fileName, fileText, formatCall, resource, scope, type Era, type ToolName } from './calls.ts'
import { startChild, type Child } from './child.ts'
import { startIssuer, type Issuer } from './issuer.ts'
import type { LoadOrder, LoadResult } from './load.ts'
import { proveTarget } from './prove.ts'
import { describeMachine, formatReport, summarize, type Measurement, type Measured } from './report.ts'
import type { TargetAnswer, TargetQuestion, TargetSettings } from './targets/serve.ts'

interface Options {
  readonly era: Era
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly json: boolean
  readonly profile: string | undefined
}

interface Subject {
  readonly name: string
  readonly tool: ToolName
  readonly file: string
  readonly kind: 'raw' | 'doorman' | 'sdk'
}

interface Target extends Subject {
  readonly child: Child<TargetQuestion, TargetAnswer>
  readonly auditFile: string
  /** What the load needs to know of it. */
  readonly order: Pick<LoadOrder, 'port' | 'requests' | 'expectedBody'>
  readonly rounds: Measurement[]
  answered: number
}

const subjects: readonly Subject[] = [
  { name: 'S0 node:http', tool: 'echo', file: './targets/raw.ts', kind: 'raw' },
  { name: 'Doorman', tool: 'echo', file: './targets/doorman.ts', kind: 'doorman' },
  { name: 'S1 official SDK', tool: 'echo', file: './targets/sdk.ts', kind: 'sdk' },
  { name: 'S0 + readFile', tool: 'read_file', file: './targets/raw.ts', kind: 'raw' },
  { name: 'Doorman files', tool: 'read_file', file: './targets/doorman.ts', kind: 'doorman' },
]

const users = 1000
const warmUpSeconds = 2
const maxRequests = 500_000

const options = readOptions()
const folder = mkdtempSync(join(tmpdir(), 'doorman-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
try {
  await run()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function run(): Promise<void> {
  const say = (text: string): void => void (options.json || console.log(text))
  const loadBefore = loadavg()[0] ?? 0
  const directory = join(folder, 'files')
  mkdirSync(directory)
  writeFileSync(join(directory, fileName), fileText)
  const issuer = await startIssuer(resource, scope, users)
  const load = startChild<LoadOrder, LoadResult>('./load.ts')
  const targets: Target[] = []
  try {
    for (const [index, subject] of subjects.entries()) {
      targets.push(await startTarget(subject, issuer, directory, join(folder, `audit-${index}.jsonl`)))
    }
    say(`Every target gave the right answer; the guarded ones refused all four strangers.`)
    for (const target of targets) await putLoadOn(load, target, options.connections, warmUpSeconds)
    for (let round = 0; round < options.rounds; round += 1) {
      say(`Round ${round + 1} of ${options.rounds}…`)
      // There and back again, so that a machine that slows down meets all alike.
      for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
        target.rounds.push(await measure(load, target))
      }
    }
    const measured = await Promise.all(targets.map(finish))
    const summary = summarize(measured)
    const machine = describeMachine({ ...options, users, warmUpSeconds, loadBefore })
    console.log(
      options.json
        ? JSON.stringify({ machine, options, summary, measured }, undefined, 2)
        : formatReport(machine, summary),
    )
  } finally {
    await Promise.all([load, ...targets.map(({ child }) => child)].map((child) => child.end()))
    issuer.close()
  }
}

async function startTarget(
  subject: Subject,
  issuer: Issuer,
  directory: string,
  auditFile: string,
): Promise<Target> {
  const { name, file, tool, kind } = subject
  const profiled = kind === 'doorman' && options.profile !== undefined
  const execArgv = profiled
    ? ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profile ?? '')}`, `--cpu-prof-name=${tool}.cpuprofile`]
    : []
  const child = startChild<TargetQuestion, TargetAnswer>(file, execArgv)
  try {
    const { era } = options
    const settings: TargetSettings = {
      era,
      tool,
      resource,
      scope,
      issuer: issuer.issuer,
      jwksUri: issuer.jwksUri,
      directory,
      auditFile,
    }
    const { port } = await child.ask({ kind: 'start', settings }, 20)
    const expectedBody = await proveTarget({ name, port, era, tool, guarded: kind !== 'raw', issuer })
    const requests = issuer.tokens.map((token) => formatCall(era, tool, port, token))
    return {
      ...subject,
      child,
      auditFile,
      order: { port, requests, expectedBody },
      rounds: [],
      answered: 0,
    }
  } catch (error) {
    await child.end()
    throw error
  }
}

/** @throws {Error} when a single answer was not the right one */
async function putLoadOn(
  load: Child<LoadOrder, LoadResult>,
  target: Target,
  connections: number,
  seconds: number,
): Promise<LoadResult> {
  const result = await load.ask({ ...target.order, connections, seconds, maxRequests }, seconds + 10)
  target.answered += result.answered
  if (result.failed > 0 || result.answered === 0) {
    throw new Error(
      `${target.name} failed ${result.failed} of ${result.answered} requests under load: ${result.firstFailure ?? 'no answer'}`,
    )
  }
  return result
}

async function measure(load: Child<LoadOrder, LoadResult>, target: Target): Promise<Measurement> {
  const { seconds, connections } = options
  const before = await target.child.ask({ kind: 'usage' }, 5)
  const many = await putLoadOn(load, target, connections, seconds)
  const after = await target.child.ask({ kind: 'usage' }, 5)
  const one = await putLoadOn(load, target, 1, seconds / 3)
  return {
    requestsPerSecond: many.answered / many.seconds,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / many.answered,
    p50Micros: one.p50Micros,
    p99Micros: one.p99Micros,
    loadBusy: many.busy,
  }
}

/** Reads the memory, stops the target, and for ours proves that everything on was on: the records are there. */
async function finish(target: Target): Promise<Measured> {
  const { name, tool, kind, rounds, answered } = target
  const { rssBytes } = await target.child.ask({ kind: 'usage' }, 5)
  await target.child.ask({ kind: 'stop' }, 10)
  if (kind === 'doorman') {
    const lines = createInterface({ input: createReadStream(target.auditFile), crlfDelay: Infinity })
    const check = await verifyChain(lines)
    // A decision and an outcome for each answer and for the proof, and a decision for each of the four strangers.
    const expected = 2 * (answered + 1) + 4
    if (!check.ok) throw new Error(`${name}: the chain of the audit file is broken at line ${check.line}.`)
    if (check.records !== expected || check.unsealed > 0) {
      throw new Error(`${name} kept ${check.records} records, ${check.unsealed} unsealed, of ${expected}.`)
    }
  }
  return { name, tool, kind, rounds, answered, rssBytes }
}

function readOptions(): Options {
  try {
    return checkOptions()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  }
}

function checkOptions(): Options {
  const { values } = parseArgs({
    options: {
      era: { type: 'string', default: '2026' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '16' },
      json: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  })
  const { era, json, profile } = values
  const problems: string[] = []
  const readNumber = (name: 'rounds' | 'seconds' | 'connections', most: number): number => {
    const value = Number(values[name])
    if (!(Number.isInteger(value) && value >= 1 && value <= most)) {
      problems.push(`--${name} must be a whole number from 1 to ${most}, and is "${values[name]}".`)
    }
    return value
  }
  const rounds = readNumber('rounds', 50)
  const seconds = readNumber('seconds', 30)
  const connections = readNumber('connections', 256)
  if (era !== '2026' && era !== '2025') problems.push(`--era must be 2026 or 2025, and is "${era}".`)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return { era: era === '2025' ? '2025' : '2026', rounds, seconds, connections, json, profile }
}
