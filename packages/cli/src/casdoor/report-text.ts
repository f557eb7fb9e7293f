import type { CheckReport, Finding, FindingSeverity } from '@mcp-doorman/casdoor'
import { printable } from '../printable.ts'

const labels: Readonly<Record<FindingSeverity, string>> = {
  error: 'ERROR',
  warning: 'WARNING',
  note: 'NOTE',
}

/** One finding, as lines for people. */
export function formatFinding({ id, severity, title, evidence, why, setting, setup }: Finding): string {
  const lines = [
    `${labels[severity].padEnd(8)} ${title} (${id})`,
    `  Seen    ${evidence}`,
    `  Why     ${why}`,
    `  Change  ${setting.page}: ${setting.field} → ${setting.to}`,
    ...(setup === undefined ? [] : [`  Or run  doorman casdoor setup … ${setup}`]),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

/** The report for people. */
export function formatReport(report: CheckReport): string {
  const { origin, application, findings, notSeen, requests } = report
  const what = application === undefined ? origin : `the application ${application} of ${origin}`
  const count = (severity: FindingSeverity): number =>
    findings.filter((finding) => finding.severity === severity).length
  const summary =
    findings.length === 0
      ? `Nothing is wrong with ${what}, as far as was looked.`
      : `${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}, ${plural(count('note'), 'note')} about ${what}.`
  const rest = notSeen.map((part) => `Not looked at: ${part}.`)
  const parts = [
    ...findings.map(formatFinding),
    `${[summary, ...rest, `${plural(requests, 'request')} sent.`].map(printable).join('\n')}\n`,
  ]
  return parts.join('\n')
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
