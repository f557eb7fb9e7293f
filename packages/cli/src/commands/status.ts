import { Option, type Command } from 'commander'
import { askAdmin } from '../admin-client.ts'
import { shared } from '../option-table.ts'

interface StatusOptions {
  readonly state: string
  readonly json: boolean
}

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('say how the gateway that runs is doing, and whether its file was taken')
    .addOption(shared.state('the state folder of the gateway'))
    .addOption(new Option('--json', 'as JSON').default(false))
    .addHelpText(
      'after',
      '\nEnds with 1 when the file was changed and could not be taken, so that the configuration before it is in use.',
    )
    .action(run)
}

async function run({ state, json }: StatusOptions): Promise<void> {
  const answer = await askAdmin(state, 'GET', '/status')
  if (answer === undefined) {
    throw new Error(
      `No gateway that uses the state folder ${state} runs. Name its folder with --state; it has one only where its file says "state:".`,
    )
  }
  const status = JSON.parse(answer.body) as Readonly<Record<string, unknown>> // As the listener writes it.
  if (answer.status !== 200) throw new Error(String(status['error_description']))
  process.stdout.write(json ? `${JSON.stringify(status, undefined, 2)}\n` : format(status))
  if (status['config_last_reload_successful'] === false) process.exitCode = 1
}

/** One line for each fact, as `name value`; of a server, its numbers. */
function format(status: Readonly<Record<string, unknown>>): string {
  const { servers, config_last_failure: failure, ...facts } = status
  const lines = Object.entries(facts).map(([name, value]) => `${name} ${sayValue(value)}`)
  for (const server of servers as readonly Readonly<Record<string, unknown>>[]) {
    const { name, resource, ...numbers } = server
    const counted = Object.entries(numbers).map(([what, count]) => `, ${what} ${sayValue(count)}`)
    lines.push(`server ${sayValue(name)} ${sayValue(resource)}${counted.join('')}`)
  }
  if (failure !== undefined) {
    const { at, problems } = failure as { readonly at: string; readonly problems: string }
    lines.push(`config_last_failure ${at}`, problems.trimEnd())
  }
  return `${lines.join('\n')}\n`
}

function sayValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
