import { Option, type Command } from 'commander'
import { UsageError } from './failure.ts'
import { collect, readCount, readSize } from './option-table.ts'

/** What the served directory is to those who use it, in every command that serves one. */
export interface RootOptions {
  readonly perUser: boolean
  readonly readOnly: boolean
  readonly deny: readonly string[]
  /** Bytes. */
  readonly quota?: number
  readonly quotaFiles?: number
  readonly skeleton?: string
}

export function addRootOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--per-user', 'give each user a folder of their own below the directory').default(false),
    )
    .addOption(new Option('--read-only', 'offer no tool that writes').default(false))
    .addOption(
      new Option(
        '--deny <pattern>',
        'hide what matches, and what is below it, from every tool: .env, "*.pem", "build/**"; may be repeated',
      )
        .default([], 'nothing')
        .argParser(collect),
    )
    .addOption(
      new Option(
        '--quota <size>',
        'most that the files of the directory, or of each user, may take: 500MiB, 2GB',
      ).argParser(readSize),
    )
    .addOption(
      new Option(
        '--quota-files <count>',
        'most files and directories that the directory, or each user, may have',
      ).argParser(readCount),
    )
    .addOption(
      new Option(
        '--skeleton <folder>',
        "with --per-user: what new users' folders begin with (read at start)",
      ),
    )
}

/** These options and no others of a command. */
export function rootOptionsOf({
  perUser,
  readOnly,
  deny,
  quota,
  quotaFiles,
  skeleton,
}: RootOptions): RootOptions {
  return {
    perUser,
    readOnly,
    deny,
    ...(quota !== undefined && { quota }),
    ...(quotaFiles !== undefined && { quotaFiles }),
    ...(skeleton !== undefined && { skeleton }),
  }
}

/** @throws {UsageError} for options that do not go together */
export function checkRootOptions({ perUser, readOnly, skeleton }: RootOptions): void {
  if (skeleton === undefined) return
  if (!perUser) {
    throw new UsageError('--skeleton has no effect without --per-user. Add it, or remove --skeleton.')
  }
  if (readOnly) {
    throw new UsageError('--skeleton cannot be copied with --read-only. Remove one of the two.')
  }
}
