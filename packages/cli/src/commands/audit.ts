import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { verifyChain } from '@mcp-doorman/resource-server/audit-log'

export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('look at files of records')
    .command('verify')
    .description('check that no line of a file of records was changed, removed or put in')
    .argument('<file>', 'what --audit wrote')
    .addHelpText(
      'after',
      '\nWhoever can rewrite the whole file can write a new chain: keep its last hash elsewhere.',
    )
    .action(verify)
}

async function verify(file: string): Promise<void> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
  const check = await verifyChain(lines)
  if (!check.ok) {
    throw new Error(
      `${file} does not hold: the seal in line ${check.line} does not fit the lines between it and the seal before. One of them was changed, removed or put in.`,
    )
  }
  const unsealed = check.unsealed === 0 ? '' : `, the last ${check.unsealed} of them not sealed yet`
  const hash = check.lastHash === '' ? '' : ` Last hash: ${check.lastHash}`
  process.stdout.write(`${file} holds: ${check.records} records${unsealed}.${hash}\n`)
}
