import { Argument, Option, type Command } from 'commander'
import type { FaultDescription } from '@mcp-doorman/development-issuer'
import { UsageError } from '../failure.ts'
import { describeFaultWhole, formatFaultList } from '../fault-list.ts'
import { askIssuer } from '../issuer-client.ts'
import { shared } from '../option-table.ts'

interface FaultOptions {
  readonly state: string
}

/** `doorman dev fault …`: makes the issuer that runs misbehave. */
export function addFaultCommand(dev: Command): void {
  const fault = dev
    .command('fault')
    .description('make the running development issuer misbehave, and behave again')
    .addHelpText(
      'after',
      '\nExamples:\n  doorman dev fault list\n  doorman dev fault on slow at=jwks,discovery seconds=3\n' +
        '  doorman dev fault on token-audience is=slash\n  doorman dev fault off slow\n  doorman dev fault clear',
    )
  fault
    .command('list')
    .description('print every fault, those that are on first; or all about one')
    .addArgument(new Argument('[name]', 'about this one: what it causes, and its parameters'))
    .addOption(new Option('--json', 'as JSON').default(false))
    .addOption(shared.state())
    .action(async (name: string | undefined, { state, json }: FaultOptions & { readonly json: boolean }) => {
      const faults = await askFaults(state)
      const chosen = name === undefined ? faults : faults.filter((one) => one.name === name)
      if (chosen.length === 0) throw new UsageError(`There is no fault ${name}. Run it without a name.`)
      process.stdout.write(json ? `${JSON.stringify(chosen, undefined, 2)}\n` : formatFaults(chosen, name))
    })
  fault
    .command('on')
    .description('switch a fault on, until it is switched off or the issuer ends')
    .argument('<name>', 'which one')
    .argument('[parameters...]', 'how, as name=value')
    .addOption(shared.state())
    .action(async (name: string, words: readonly string[], { state }: FaultOptions) => {
      const faults = await askFaults(state, { enable: name, parameters: readParameterWords(words) })
      process.stdout.write(formatFaultList(faults.filter(({ on }) => on !== undefined)))
    })
  fault
    .command('off')
    .description('switch a fault off')
    .argument('<name>', 'which one')
    .addOption(shared.state())
    .action(async (name: string, { state }: FaultOptions) => {
      const faults = await askFaults(state, { disable: name })
      process.stdout.write(formatFaultList(faults.filter(({ on }) => on !== undefined)))
    })
  fault
    .command('clear')
    .description('switch every fault off')
    .addOption(shared.state())
    .action(async ({ state }: FaultOptions) => {
      process.stdout.write(
        formatFaultList((await askFaults(state, { clear: true })).filter(({ on }) => on !== undefined)),
      )
    })
}

function formatFaults(faults: readonly FaultDescription[], name: string | undefined): string {
  const [first] = faults
  return name === undefined || first === undefined ? formatFaultList(faults) : describeFaultWhole(first)
}

async function askFaults(state: string, wish?: object): Promise<readonly FaultDescription[]> {
  const { issuer, status, members, reason } = await askIssuer(state, 'development/faults', wish)
  if (status === 400) throw new UsageError(reason)
  const { faults } = members
  if (status !== 200 || !Array.isArray(faults))
    throw new Error(`${issuer} does not tell its faults: ${reason}.`)
  return faults as readonly FaultDescription[] // The endpoint of the same version sends these.
}

function readParameterWords(words: readonly string[]): Readonly<Record<string, string>> {
  const pairs = words.map((word) => {
    const [, name, value] = /^([\w-]+)=(.*)$/s.exec(word) ?? []
    if (name === undefined || value === undefined) {
      throw new UsageError(`"${word}" is no parameter. Write name=value, as seconds=3.`)
    }
    return [name, value] as const
  })
  return Object.fromEntries(pairs)
}
