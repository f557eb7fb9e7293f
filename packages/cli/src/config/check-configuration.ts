import { checkAccess, checkIssuers, createExplaining } from './check-by-building.ts'
import { checkRules } from './check-rules.ts'
import { checkServer } from './check-servers.ts'
import type { Configuration, ServerConfiguration } from './configuration.ts'
import { checkExpectations } from './expectations.ts'
import type { Problem } from './problems.ts'

/** A server, and the fields whose mistakes have been told: they are not in it. */
export interface ReadServer {
  readonly server: ServerConfiguration
  readonly leftOut: ReadonlySet<string>
}

const accessFields = ['scopes', 'challenge', 'rules', 'expect']

/** Everything that the form of a file does not show: what does not fit together, and what has no effect. */
export function checkConfiguration(
  configuration: Configuration,
  read: readonly ReadServer[],
): readonly Problem[] {
  const { issuers, origin } = configuration
  const servers = read.filter(({ leftOut }) => !leftOut.has('path')).map(({ server }) => server)
  const twins = checkTwins(
    issuers.map((issuer) => ('casdoor' in issuer ? issuer.casdoor : issuer.issuer)),
    (index) => ['issuers', index],
    'is named above already. Remove one of the two.',
  )
  return [
    ...twins,
    ...checkIssuers(configuration, twins.length === 0),
    ...checkTwins(
      servers.map(({ path }) => path),
      (index) => ['servers', servers[index]?.name ?? '', 'path'],
      'is the path of a server above already. Give each its own.',
    ),
    ...checkTwins(
      servers.map(({ name, path, plainForm }) =>
        // Of the same path, that has been told.
        plainForm && !servers.some((other) => other.name !== name && other.path === path)
          ? path.slice(0, path.lastIndexOf('/'))
          : `only ${name}`,
      ),
      (index) => ['servers', servers[index]?.name ?? '', 'path'],
      'has the same place for its plain form, tools/list and tools/call, as a server above. Write it as /NAME/mcp, or add "plainForm: false".',
    ),
    ...read.flatMap(({ server, leftOut }) => [
      ...checkServer(server, origin, leftOut),
      // Without some of them, others would seem to have no effect.
      ...(accessFields.some((field) => leftOut.has(field)) ? [] : checkRulesOf(server)),
    ]),
  ]
}

function checkRulesOf(server: ServerConfiguration): readonly Problem[] {
  const { problems, mended } = checkRules(server)
  const further = checkAccess(mended)
  // Of rules that cannot be built, nothing can be expected.
  const canBeTried = further.length === 0 && mended === server
  return [...problems, ...further, ...(canBeTried ? checkExpectations(server, createExplaining(server)) : [])]
}

function checkTwins(
  values: readonly string[],
  pathOf: (index: number) => Problem['path'],
  message: string,
): readonly Problem[] {
  return values.flatMap((value, index) =>
    values.indexOf(value) < index ? [{ path: pathOf(index), message }] : [],
  )
}
