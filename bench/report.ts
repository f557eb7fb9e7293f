import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, type as systemName } from 'node:os'
import type { ToolName } from './calls.ts'

/** One round of one target. */
export interface Measurement {
  readonly requestsPerSecond: number
  /** User and system time of the target's process for each answered request. */
  readonly cpuMicros: number
  /** Latencies with one connection. */
  readonly p50Micros: number
  readonly p99Micros: number
  /** How much of one core the load used, 0 to 1. */
  readonly loadBusy: number
}

export interface Measured {
  readonly name: string
  readonly tool: ToolName
  readonly kind: 'raw' | 'doorman' | 'sdk'
  readonly rounds: readonly Measurement[]
  readonly answered: number
  readonly rssBytes: number
}

/** Medians over the rounds; ratios and differences are taken within each round first. */
export interface Row {
  readonly name: string
  readonly tool: ToolName
  readonly requestsPerSecond: number
  readonly least: number
  readonly most: number
  readonly ratio: number
  readonly cpuMicros: number
  readonly cpuRatio: number
  readonly p50Micros: number
  readonly addedMicros: number
  readonly p99Micros: number
  readonly rssMegabytes: number
  readonly loadBusy: number
}

export interface Goal {
  readonly text: string
  readonly reached: number
  readonly holds: boolean
}

export interface Summary {
  readonly rows: readonly Row[]
  readonly goals: readonly Goal[]
}

const leastOverSdk = 5
const mostCpu = 2

export function summarize(measured: readonly Measured[]): Summary {
  const rows = measured.map((target) => summarizeTarget(target, baselineOf(target, measured)))
  const ours = measured.filter(({ kind }) => kind === 'doorman')
  const goals = ours.flatMap((target) => {
    const { tool } = target
    const cpu = medianOf(target, baselineOf(target, measured), (own, base) => own.cpuMicros / base.cpuMicros)
    const goal = { text: `${tool}: CPU at most ${mostCpu} × S0`, reached: cpu, holds: cpu <= mostCpu }
    const sdk = measured.find((other) => other.kind === 'sdk' && other.tool === tool)
    if (sdk === undefined) return [goal]
    const over = medianOf(target, sdk, (own, other) => own.requestsPerSecond / other.requestsPerSecond)
    const text = `${tool}: at least ${leastOverSdk} × the SDK's rps`
    return [{ text, reached: over, holds: over >= leastOverSdk }, goal]
  })
  return { rows, goals }
}

function summarizeTarget(target: Measured, base: Measured): Row {
  const { name, tool, rounds, rssBytes } = target
  const each = (value: (round: Measurement) => number): readonly number[] => rounds.map(value)
  const rates = each(({ requestsPerSecond }) => requestsPerSecond)
  return {
    name,
    tool,
    requestsPerSecond: median(rates),
    least: Math.min(...rates),
    most: Math.max(...rates),
    ratio: medianOf(target, base, (own, other) => own.requestsPerSecond / other.requestsPerSecond),
    cpuMicros: median(each(({ cpuMicros }) => cpuMicros)),
    cpuRatio: medianOf(target, base, (own, other) => own.cpuMicros / other.cpuMicros),
    p50Micros: median(each(({ p50Micros }) => p50Micros)),
    addedMicros: medianOf(target, base, (own, other) => own.p50Micros - other.p50Micros),
    p99Micros: median(each(({ p99Micros }) => p99Micros)),
    rssMegabytes: rssBytes / 1_048_576,
    loadBusy: median(each(({ loadBusy }) => loadBusy)),
  }
}

/** The raw server with the same tool. Every tool has one. */
function baselineOf({ tool }: Measured, measured: readonly Measured[]): Measured {
  const base = measured.find((target) => target.kind === 'raw' && target.tool === tool)
  if (base === undefined) throw new Error(`${tool} has no baseline.`)
  return base
}

function medianOf(
  target: Measured,
  other: Measured,
  compare: (own: Measurement, other: Measurement) => number,
): number {
  return median(
    target.rounds.flatMap((own, index) => {
      const same = other.rounds[index]
      return same === undefined ? [] : [compare(own, same)]
    }),
  )
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

export interface RunFacts {
  readonly era: string
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly users: number
  readonly warmUpSeconds: number
  readonly profile: string | undefined
  /** The machine's load average over a minute, before the run. */
  readonly loadBefore: number
}

/** What was run, and where. */
export function describeMachine(facts: RunFacts): readonly string[] {
  const { era, rounds, seconds, connections, users, warmUpSeconds, loadBefore, profile } = facts
  const versions = ['@modelcontextprotocol/server', '@modelcontextprotocol/node', 'jose'].map(
    (name) => `${name} ${installedVersion(name)}`,
  )
  const slower =
    profile === undefined ? [] : ['Doorman ran under the profiler: its numbers are worse than they are.']
  return [
    `Node ${process.version} on ${systemName()} ${release()}, ${availableParallelism()} cores of ${cpus()[0]?.model ?? 'unknown make'}, load average ${loadBefore.toFixed(2)} before the run.`,
    `Targets, load and issuer are processes on this one machine, over loopback without TLS. ${versions.join(', ')}.`,
    `MCP of ${era === '2026' ? '2026-07-28' : '2025-11-25'}, tools/call, ${users} RS256 tokens in turn. ${rounds} rounds, there and back; each ${seconds} s with ${connections} connections and a third of that with one; ${warmUpSeconds} s warm-up.`,
    'Doorman: authentication, scope rule, caller limit, rule limit, hash-chained audit file (chain and number of records verified after the run).',
    'SDK: createMcpHandler, requireBearerAuth with expectedResource, jose, requireScopes; no limits and no records. S0: none of it.',
    ...slower,
  ]
}

function installedVersion(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  // Every installed package has a version.
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

const columns: readonly { readonly title: string; readonly cell: (row: Row) => string }[] = [
  { title: 'target', cell: ({ name }) => name },
  { title: 'tool', cell: ({ tool }) => tool },
  { title: 'rps', cell: ({ requestsPerSecond }) => requestsPerSecond.toFixed(0) },
  { title: '(min–max)', cell: ({ least, most }) => `(${least.toFixed(0)}–${most.toFixed(0)})` },
  { title: '× S0', cell: ({ ratio }) => ratio.toFixed(2) },
  { title: 'CPU µs', cell: ({ cpuMicros }) => cpuMicros.toFixed(0) },
  { title: '× S0', cell: ({ cpuRatio }) => cpuRatio.toFixed(2) },
  { title: 'p50 µs', cell: ({ p50Micros }) => p50Micros.toFixed(0) },
  { title: 'added', cell: ({ addedMicros }) => addedMicros.toFixed(0) },
  { title: 'p99 µs', cell: ({ p99Micros }) => p99Micros.toFixed(0) },
  { title: 'RSS MiB', cell: ({ rssMegabytes }) => rssMegabytes.toFixed(0) },
  { title: 'load busy', cell: ({ loadBusy }) => `${(loadBusy * 100).toFixed(0)} %` },
]

export function formatReport(machine: readonly string[], { rows, goals }: Summary): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ]
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)))
  const table = cells.map((line) =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column < 2 ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
  const reached = goals.map(
    ({ text, reached, holds }) => `${text}: ${reached.toFixed(3)}, ${holds ? 'holds' : 'missed'}`,
  )
  const verdict = goals.every(({ holds }) => holds) ? 'The goals hold.' : 'Not all goals hold.'
  return [...machine, '', ...table, '', `${verdict} ${reached.join('. ')}.`].join('\n')
}
