/**
 * Writes the table of the faults that the development issuer knows, as it tells them itself.
 *
 *   node tools/docs/faults.ts        to docs/faults.md
 *   node tools/docs/faults.ts FILE   to another place, as the test does that compares the two
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDevelopmentIssuer, type FaultDescription } from '@mcp-doorman/development-issuer'

const resources = [{ resource: 'http://127.0.0.1:8080/mcp', scopes: ['read'] }]
const issuer = await startDevelopmentIssuer({ port: 0, resources })
const faults = issuer.faults.list()
await issuer.close()

const failures = new Map(
  faults.flatMap(({ causes }) => causes.map(({ id, symptom }) => [id, symptom] as const)),
)
const numberOf = (id: string): number => Number(id.slice(2))

function describe({ name, title, causes, parameters }: FaultDescription): string {
  const links = causes.map(({ id }) => `[${id}](#${id.toLowerCase()})`).join(', ')
  const list = parameters.map(
    (parameter) =>
      `- \`${parameter.name}\`: ${parameter.says}; ${parameter.values}. Otherwise \`${parameter.initial}\`.`,
  )
  return [
    `### ${name}`,
    `The issuer ${title}. Causes ${links}.`,
    ...(list.length > 0 ? [list.join('\n')] : []),
  ].join('\n\n')
}

const groups = [...new Set(faults.map(({ group }) => group))]
const page = [
  '# Faults',
  'What the development issuer can be made to do wrong, and what people see of it.\n' +
    'Written by `npm run docs` from what the issuer tells of itself; [Test your OAuth](guides/test-your-oauth.md) shows how to use it.',
  ...groups.flatMap((group) => [
    `## ${group.charAt(0).toUpperCase()}${group.slice(1)}`,
    ...faults.filter((fault) => fault.group === group).map(describe),
  ]),
  '## What people see',
  'The numbers stay the same; failures that no issuer causes have none here.',
  ...[...failures]
    .toSorted(([one], [other]) => numberOf(one) - numberOf(other))
    .map(([id, symptom]) => `### ${id}\n\n${symptom.charAt(0).toUpperCase()}${symptom.slice(1)}.`),
]
writeFileSync(process.argv[2] ?? join(import.meta.dirname, '../../docs/faults.md'), `${page.join('\n\n')}\n`)
