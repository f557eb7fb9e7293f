import { readFileSync } from 'node:fs'
import { messageOf } from './failure.ts'

/** Where a secret is to be found, as `env:NAME` or `file:PATH`: what is shown, logged and kept is only this. */
export const secretReference: RegExp = /^(env|file):(.+)$/s

/**
 * Reads the secret that is meant, without white space around it.
 *
 * @param reference - fits {@link secretReference}; a relative path is one of the working folder
 * @throws {Error} that says what is missing, and never what is there
 */
export function readSecret(reference: string): string {
  const [, kind, name = ''] = secretReference.exec(reference) ?? []
  let secret: string | undefined
  try {
    secret = kind === 'env' ? process.env[name] : readFileSync(name, 'utf8')
  } catch (error) {
    throw new Error(`the file ${name} cannot be read. ${messageOf(error)}`, { cause: error })
  }
  const trimmed = secret?.trim() ?? ''
  if (trimmed !== '') return trimmed
  throw new Error(`the ${kind === 'env' ? 'variable' : 'file'} ${name} is empty or not there.`)
}
