import { resolve } from 'node:path'
import { messageOf } from '../failure.ts'
import { readSecret } from '../secret-reference.ts'
import type { Configuration } from './configuration.ts'
import type { Path, Problem } from './problems.ts'
import type { FindSecret } from './resource-server-options.ts'

/** The secrets of a configuration. They are in nothing that is printed or kept. */
export interface Secrets {
  readonly find: FindSecret
  /** Those that are not there, by the fields that name them. */
  readonly problems: readonly Problem[]
}

/** Reads every secret that a configuration names. Relative files are looked for from `folder`. */
export function readSecrets(configuration: Configuration, folder: string): Secrets {
  const found = new Map<string, string>()
  const problems = referencesIn(configuration).flatMap(({ path, reference }) => {
    try {
      if (!found.has(reference)) found.set(reference, readSecret(absolute(reference, folder)))
      return []
    } catch (error) {
      return [{ path, message: `${messageOf(error)} Set it where this runs.` }]
    }
  })
  return {
    problems,
    find: (reference) => {
      const secret = found.get(reference)
      if (secret === undefined) throw new Error(`${reference} was not read.`)
      return secret
    },
  }
}

interface Named {
  readonly path: Path
  readonly reference: string
}

function referencesIn({ issuers, servers, dpop }: Configuration): readonly Named[] {
  const named: Named[] = []
  const add = (path: Path, value: string | undefined): void => {
    if (value !== undefined && isReference(value)) named.push({ path, reference: value })
  }
  add(['dpop', 'nonce'], dpop?.nonce)
  for (const [index, { introspection }] of issuers.entries()) {
    add(['issuers', index, 'introspection', 'clientSecret'], introspection?.clientSecret)
    add(['issuers', index, 'introspection', 'privateKey'], introspection?.privateKey)
  }
  for (const { name, behind } of servers) {
    if (behind.kind === 'url') {
      add(['servers', name, 'bearer'], behind.bearer)
      for (const [header, value] of Object.entries(behind.headers ?? {})) {
        add(['servers', name, 'headers', header], value)
      }
    }
    if (behind.kind === 'command') {
      for (const [variable, value] of Object.entries(behind.environment ?? {})) {
        add(['servers', name, 'environment', variable], value)
      }
    }
  }
  return named
}

/** Whether a text says where a secret is, rather than being what is meant. */
export function isReference(text: string): boolean {
  return text.startsWith('env:') || text.startsWith('file:')
}

function absolute(reference: string, folder: string): string {
  return reference.startsWith('file:') ? `file:${resolve(folder, reference.slice(5))}` : reference
}
