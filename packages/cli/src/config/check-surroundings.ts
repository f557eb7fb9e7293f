import { dirname, resolve } from 'node:path'
import { findStrayFile } from '../command-words.ts'
import type { Configuration } from './configuration.ts'
import type { Problem } from './problems.ts'
import { readSecrets, type Secrets } from './secrets.ts'

/** What a configuration finds where it is to run. */
export interface Surrounding {
  readonly secrets: Secrets
  /** Commands that name a file as if they ran beside the configuration. */
  readonly problems: readonly Problem[]
}

/** Looks at what the text of a configuration only names: secrets, and files of its folder. */
export function lookAround(configuration: Configuration, file: string): Surrounding {
  const folder = dirname(resolve(file))
  const problems = configuration.servers.flatMap(({ name, behind }) => {
    if (behind.kind !== 'command' || behind.workingDirectory !== undefined) return []
    const stray = findStrayFile(behind.command, folder)
    if (stray === undefined) return []
    const path = ['servers', name, 'command', stray.index]
    return [{ path, message: `${stray.message}, or set workingDirectory.` }]
  })
  return { secrets: readSecrets(configuration, folder), problems }
}
