import { applicationRules, type ApplicationFindingId } from './rules-application.ts'
import { instanceRules, type InstanceFindingId } from './rules-instance.ts'
import type { FindingRule, FindingSeverity, Place, Setting } from './rule.ts'
import { tokenRules, type TokenFindingId } from './rules-token.ts'

/** Every finding. Names are permanent. */
export type FindingId = InstanceFindingId | ApplicationFindingId | TokenFindingId

/** Something that is wrong for MCP, and what to do about it. */
export interface Finding {
  readonly id: FindingId
  readonly severity: FindingSeverity
  readonly title: string
  /** What was seen. Never a token, a secret or anything of a person. */
  readonly evidence: string
  readonly why: string
  readonly setting: Setting
  readonly setup?: string
}

const rules: Readonly<Record<FindingId, FindingRule>> = {
  ...instanceRules,
  ...applicationRules,
  ...tokenRules,
}

/** Every id there is, in the order in which findings are told. */
export const findingIds: readonly string[] = Object.keys(rules)

export function makeFinding(id: FindingId, evidence: string, place: Place): Finding {
  const { severity, title, why, setting, setup } = rules[id]
  return {
    id,
    severity,
    title,
    evidence,
    why,
    setting: setting(place),
    ...(setup && { setup: setup(place) }),
  }
}
