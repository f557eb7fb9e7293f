import { Command, CommanderError } from 'commander'
import { addAuditCommand } from './commands/audit.ts'
import { addCasdoorCommand } from './commands/casdoor.ts'
import { addConfigCommand } from './commands/config.ts'
import { addDevCommand } from './commands/dev.ts'
import { addFilesCommand } from './commands/files.ts'
import { addGatewayCommand } from './commands/gateway.ts'
import { addProtectCommand } from './commands/protect.ts'
import { addRevokeCommand } from './commands/revoke.ts'
import { addStatusCommand } from './commands/status.ts'
import { addTokenCommand } from './commands/token.ts'
import { messageOf, UsageError } from './failure.ts'
import { version } from './version.ts'

/**
 * Runs the command. Sets the exit code: 0 fine, 1 failed, 2 wrong usage.
 *
 * @param argv - as `process.argv` has it
 */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('doorman')
    .description(
      'OAuth 2.1 at the door of MCP servers: tokens checked, scopes enforced, limits kept, decisions recorded',
    )
    .version(version)
    .showHelpAfterError('Run it with --help to see what it takes.')
    .enablePositionalOptions() // A command has its options after its own name, also below another command.
  addDevCommand(program)
  addFilesCommand(program)
  addProtectCommand(program)
  addGatewayCommand(program)
  addConfigCommand(program)
  addCasdoorCommand(program)
  addStatusCommand(program)
  addTokenCommand(program)
  addRevokeCommand(program)
  addAuditCommand(program)
  for (const command of allCommands(program)) command.exitOverride()
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exitCode = report(error)
  }
}

function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allCommands)]
}

function report(error: unknown): number {
  // The parser has printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  process.stderr.write(`doorman: ${messageOf(error)}\n`)
  return error instanceof UsageError ? 2 : 1
}
