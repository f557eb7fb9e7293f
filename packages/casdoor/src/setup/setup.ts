import type { CasdoorApi } from '../api.ts'
import { failed, type CasdoorProblem, type Result } from '../problems.ts'
import type { CasdoorRecord } from '../records.ts'
import { readSetupOptions, type SetupOptions } from './options.ts'
import { notKept, type ObjectPlan } from './plan.ts'
import { planSteps, type Step } from './steps.ts'

/** How a set-up is run. */
export interface SetupRun {
  /** Only plan: nothing is written. */
  readonly dryRun: boolean
  /** Told about each object, before it is written where it is. */
  readonly onPlan: (plan: ObjectPlan) => void
  /** Told once what was written has been read back. */
  readonly onDone: (plan: ObjectPlan) => void
}

/** How a set-up ended. */
export type SetupOutcome =
  | {
      readonly ok: true
      /** As read at the end; undefined where a dry run would have made it. */
      readonly application: CasdoorRecord | undefined
      /** So many objects were written. */
      readonly written: number
    }
  | {
      readonly ok: false
      readonly problem: CasdoorProblem
      /** So many objects had been written and read back before; the next run finds them. */
      readonly written: number
    }

/**
 * Brings a Casdoor into the state that is wanted: organization, certificate, application, users, in this order.
 *
 * All is read and planned before anything is written. Then each object that differs is written and read back. Nothing is
 * deleted, and what is not named stays as it was read. A run that was cut off is finished by the next one. Between the
 * reading and the writing of an object somebody else's change to it would be lost: Casdoor has nothing to compare
 * versions by.
 *
 * @throws {TypeError} that lists every mistake in the options, before anything is sent
 */
export async function setUpCasdoor(
  api: CasdoorApi,
  options: SetupOptions,
  { dryRun, onPlan, onDone }: SetupRun,
): Promise<SetupOutcome> {
  const planned = await planSteps(api, readSetupOptions(options))
  if (!planned.ok) return { ok: false, problem: planned.problem, written: 0 }
  let { application } = planned.value
  let written = 0
  for (const step of planned.value.steps) {
    onPlan(step.plan)
    if (dryRun || step.plan.action === 'keep') continue
    const kept = await carryOut(step)
    if (!kept.ok) return { ok: false, problem: kept.problem, written }
    written += 1
    onDone(step.plan)
    if (step.plan.kind === 'application') application = kept.value
  }
  return { ok: true, application, written }
}

async function carryOut({ plan, write, readBack }: Step): Promise<Result<CasdoorRecord>> {
  const answer = await write()
  // "Unaffected" is looked into: somebody may have made the same change a moment before.
  if (!answer.ok && answer.problem.code !== 'unaffected') return answer
  const found = await readBack()
  if (!found.ok) return found
  const { value } = found
  const what = `The ${plan.kind} ${plan.name}`
  if (value === undefined) {
    return answer.ok
      ? failed('not_kept', `${what} was written and is not there when read back. Look at Casdoor's log.`)
      : answer
  }
  const lost = notKept(plan, value)
  if (lost.length === 0) return { ok: true, value }
  if (!answer.ok) return answer
  return failed(
    'not_kept',
    `${what} was written, and Casdoor did not keep ${lost.join(', ')} as sent. Its version may not know them (3.156 or newer is needed); compare at Casdoor's own pages.`,
  )
}
