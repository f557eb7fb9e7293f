import { answerParent } from '../child.ts'
import type { Era, ToolName } from '../calls.ts'

/** What a target is told before it starts. */
export interface TargetSettings {
  readonly era: Era
  readonly tool: ToolName
  readonly resource: string
  /** The scope that the tool asks for. */
  readonly scope: string
  readonly issuer: string
  readonly jwksUri: string
  /** The directory that `read_file` reads from. */
  readonly directory: string
  /** Where the target may keep its records. */
  readonly auditFile: string
}

export interface RunningTarget {
  readonly port: number
  readonly close: () => Promise<void>
}

export type TargetQuestion =
  | { readonly kind: 'start'; readonly settings: TargetSettings }
  | { readonly kind: 'usage' }
  | { readonly kind: 'stop' }

/** Every answer has all of it: what the process has used so far, and where it listens. */
export interface TargetAnswer {
  readonly port: number
  /** User and system time of the whole process, in microseconds. */
  readonly cpuMicros: number
  readonly rssBytes: number
}

/** Makes this process a target. */
export function serveTarget(start: (settings: TargetSettings) => Promise<RunningTarget>): void {
  let running: RunningTarget | undefined
  answerParent(async (question: TargetQuestion): Promise<TargetAnswer> => {
    if (question.kind === 'start') running = await start(question.settings)
    if (question.kind === 'stop') await running?.close()
    const { user, system } = process.cpuUsage()
    return { port: running?.port ?? 0, cpuMicros: user + system, rssBytes: process.memoryUsage.rss() }
  })
}
