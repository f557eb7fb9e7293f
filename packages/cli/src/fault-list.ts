import type { FaultDescription } from '@mcp-doorman/development-issuer'

/** One line a fault, those that are on first. */
export function formatFaultList(faults: readonly FaultDescription[]): string {
  if (faults.length === 0) return 'No fault is on.\n'
  const width = Math.max(...faults.map(({ name }) => name.length))
  const isOn = (fault: FaultDescription): boolean => fault.on !== undefined
  const sorted = [...faults.filter(isOn), ...faults.filter((fault) => !isOn(fault))]
  const lines = sorted.map((fault) => {
    const causes = fault.causes.map(({ id }) => id).join(', ')
    return `${isOn(fault) ? 'on ' : '   '} ${fault.name.padEnd(width)}  ${describeShortly(fault)} (${causes})`
  })
  return `${lines.join('\n')}\n`
}

/** Everything about one fault. */
export function describeFaultWhole(fault: FaultDescription): string {
  const { name, title, causes, parameters, on } = fault
  const lines = [
    `${name}: the issuer ${title}.`,
    on === undefined ? 'It is off.' : `It is on: ${formatValues(on) || 'it has no parameters'}.`,
    '',
    'What people see of it:',
    ...causes.map(({ id, symptom }) => `  ${id.padEnd(5)} ${symptom}`),
    ...(parameters.length === 0 ? [] : ['', 'Parameters:']),
    ...parameters.flatMap((parameter) => [
      `  ${parameter.name}  ${parameter.says}`,
      `      ${parameter.values}; otherwise ${parameter.initial}`,
    ]),
  ]
  return `${lines.join('\n')}\n`
}

function describeShortly({ title, on }: FaultDescription): string {
  const values = formatValues(on ?? {})
  return values === '' ? title : `${title}: ${values}`
}

function formatValues(values: NonNullable<FaultDescription['on']>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')
}
