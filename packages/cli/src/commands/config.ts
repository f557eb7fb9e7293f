import { writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { Option, type Command } from 'commander'
import type {
  Action,
  Explanation,
  Identity,
  IdentityFacts,
  Item,
  ResourceServer,
} from '@mcp-doorman/resource-server'
import { createExplaining } from '../config/check-by-building.ts'
import { lookAround } from '../config/check-surroundings.ts'
import { compileCondition } from '../config/conditions.ts'
import type { Configuration, ServerConfiguration } from '../config/configuration.ts'
import { formatExplanation } from '../config/format-explanation.ts'
import { configurationSchema } from '../config/json-schema.ts'
import { loadConfiguration, type LoadedConfiguration } from '../config/load-configuration.ts'
import { formatStartingFile } from '../config/starting-file.ts'
import { actionOf, callerFromClaims, callerFromWords } from '../config/suppose-caller.ts'
import { messageOf, UsageError } from '../failure.ts'
import { collect, shared } from '../option-table.ts'

export function addConfigCommand(program: Command): void {
  const config = program.command('config').description('write, check and ask a doorman.yaml')
  config
    .command('init')
    .description('write a file to begin with, commented; never overwrites one')
    .argument('[file]', 'where', 'doorman.yaml')
    .action(writeNew)
  config
    .command('check')
    .description('say everything that is wrong with a file, and try what it expects')
    .addOption(shared.config())
    .action(check)
  config
    .command('schema')
    .description('print the JSON Schema of the file, for editors')
    .action(() => void process.stdout.write(`${JSON.stringify(configurationSchema(), undefined, 2)}\n`))
  addExplainCommand(config)
}

function writeNew(file: string): void {
  try {
    writeFileSync(file, formatStartingFile(), { flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    throw new Error(`${file} is there already, and is not overwritten. Name another, or remove it.`, {
      cause: error,
    })
  }
  process.stdout.write(`Wrote ${file}. Change it to what you have, then run "doorman config check".\n`)
}

function check({ config }: { readonly config: string }): void {
  const configuration = mustBeFine(config, loadConfiguration(config))
  const cases = configuration.servers.reduce((sum, { expect }) => sum + expect.length, 0)
  const expected = cases === 0 ? '' : `, and ${cases === 1 ? 'the case' : `the ${cases} cases`} it expects`
  process.stdout.write(`${config} is fine${expected}: ${configuration.servers.map(describe).join(', ')}.\n`)
}

function describe({ name, resource }: ServerConfiguration): string {
  return `${name} at ${resource}`
}

/** Secrets may be elsewhere than where a file is checked, so what is not there is told, and is no mistake. */
function mustBeFine(file: string, loaded: LoadedConfiguration): Configuration {
  if (!loaded.ok) {
    process.stderr.write(loaded.problems)
    throw mistakesIn(file, loaded.count)
  }
  const { secrets, problems } = lookAround(loaded.configuration, file)
  if (secrets.problems.length > 0) process.stderr.write(loaded.locate(secrets.problems))
  if (problems.length === 0) return loaded.configuration
  process.stderr.write(loaded.locate(problems))
  throw mistakesIn(file, problems.length)
}

function mistakesIn(file: string, count: number): Error {
  return new Error(`${file} has ${count === 1 ? 'a mistake' : `${count} mistakes`}.`)
}

interface ExplainOptions {
  readonly config: string
  readonly server?: string
  readonly tool?: string
  readonly resource?: string
  readonly prompt?: string
  readonly scope: readonly string[]
  readonly role: readonly string[]
  readonly group: readonly string[]
  readonly client?: string
  readonly subject?: string
  readonly claims: boolean
  readonly arguments?: string
  readonly json: boolean
}

function addExplainCommand(config: Command): void {
  const many = (flags: string, description: string): Option =>
    new Option(flags, `${description}; may be repeated`).default([], 'none').argParser(collect)
  config
    .command('explain')
    .description('say what a caller may do with one tool, by which rule, and what would unlock it')
    .addOption(shared.config())
    .addOption(new Option('--server <name>', 'of which server (default: the only one)'))
    .addOption(new Option('--tool <name>', 'a call of this tool'))
    .addOption(new Option('--resource <uri>', 'a read of this resource'))
    .addOption(new Option('--prompt <name>', 'a use of this prompt'))
    .addOption(many('--scope <scopes>', 'scopes of the token, with spaces between'))
    .addOption(many('--role <role>', 'a role of the user'))
    .addOption(many('--group <group>', 'a group of the user'))
    .addOption(new Option('--client <id>', 'the OAuth client (default: somebody)'))
    .addOption(new Option('--subject <sub>', 'the user (default: somebody)'))
    .addOption(
      new Option('--claims', 'read a JWT, or its claims as JSON, from standard input instead').default(false),
    )
    .addOption(new Option('--arguments <json>', 'arguments of the call (default: none)'))
    .addOption(new Option('--json', 'as JSON').default(false))
    .addHelpText('after', examples)
    .action(explain)
}

const examples = `
Nothing of a token is checked here: neither its signature nor its audience nor its times.

Examples:
  doorman config explain --tool write_note --scope "notes:read" --role editor
  doorman config explain --server docs --resource file:///plan.md --scope files:read
  doorman config explain --tool write_note --claims < token.txt`

async function explain(options: ExplainOptions): Promise<void> {
  const item = itemOf(options)
  const args = readArguments(options.arguments)
  const configuration = mustBeFine(options.config, loadConfiguration(options.config))
  const server = serverOf(configuration, options.server)
  const resourceServer = createExplaining(server, configuration.issuers)
  const caller = await callerOf(options, resourceServer)
  const action = actionOf(item, args)
  for (const explanation of resourceServer.explain(caller, action)) {
    const failure = failureOf(server, explanation, caller, action)
    process.stdout.write(
      options.json
        ? `${JSON.stringify(explanation, undefined, 2)}\n`
        : formatExplanation(explanation, failure),
    )
  }
}

/** Why the condition of the rule could not be evaluated; `undefined` when it could, or when there is none. */
function failureOf(
  { rules }: ServerConfiguration,
  explanation: Explanation,
  caller: IdentityFacts,
  { messages: [message] }: Action,
): string | undefined {
  const rule = rules.find(({ id }) => id === explanation.rule)
  const condition = rule?.when === undefined ? undefined : compileCondition(rule.when)
  if (condition?.ok !== true || message === undefined) return undefined
  const args = message.params['arguments'] ?? {}
  try {
    // Conditions are told facts, and these arguments were read as an object.
    condition.holds({ identity: caller as Identity, message, arguments: args as Record<string, unknown> })
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function itemOf({ tool, resource, prompt }: ExplainOptions): Item {
  const items: readonly Item[] = [
    ...(tool === undefined ? [] : [{ kind: 'tool' as const, name: tool }]),
    ...(resource === undefined ? [] : [{ kind: 'resource' as const, name: resource }]),
    ...(prompt === undefined ? [] : [{ kind: 'prompt' as const, name: prompt }]),
  ]
  const [item] = items
  if (item === undefined || items.length > 1) {
    throw new UsageError('Name what to explain: one of --tool, --resource and --prompt.')
  }
  return item
}

function readArguments(json: string | undefined): Readonly<Record<string, unknown>> {
  if (json === undefined) return {}
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    value = undefined
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new UsageError('--arguments: must be a JSON object, as \'{"text":"short"}\'.')
}

function serverOf({ servers }: Configuration, name: string | undefined): ServerConfiguration {
  const [only] = servers
  if (name === undefined && only !== undefined && servers.length === 1) return only
  const server = servers.find((candidate) => candidate.name === name)
  if (server !== undefined) return server
  const names = servers.map((candidate) => candidate.name).join(', ')
  throw new UsageError(
    name === undefined
      ? `There are several servers: name one with --server (${names}).`
      : `There is no server "${name}": there are ${names}.`,
  )
}

async function callerOf(options: ExplainOptions, resourceServer: ResourceServer): Promise<IdentityFacts> {
  const { scope, role, group, client, subject, claims } = options
  if (!claims) {
    return callerFromWords({
      scopes: scope.flatMap((scopes) => scopes.split(' ')).filter((name) => name !== ''),
      roles: role,
      groups: group,
      client: client ?? 'somebody',
      subject: subject ?? 'somebody',
    })
  }
  if (scope.length + role.length + group.length > 0 || client !== undefined || subject !== undefined) {
    throw new UsageError(
      '--claims says who calls. Leave out the other words about the caller, or leave it out.',
    )
  }
  return callerFromClaims(await text(process.stdin), resourceServer)
}
