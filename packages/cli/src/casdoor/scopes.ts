import type { ScopeOption } from '@mcp-doorman/casdoor'
import { filesScopes, scopesOfTools } from '@mcp-doorman/files'
import { UsageError } from '../failure.ts'

/** The scopes of `doorman files`, each with the tools that need it. */
export const scopesOfFiles: readonly ScopeOption[] = [
  { name: filesScopes.list, displayName: 'See which files there are' },
  { name: filesScopes.read, displayName: 'Read files' },
  { name: filesScopes.write, displayName: 'Write, move and delete files' },
].map((scope) => ({
  ...scope,
  tools: [...scopesOfTools].filter(([, scopes]) => scopes.includes(scope.name)).map(([tool]) => tool),
}))

/**
 * Reads `files:read=Read files; files:write=Write files`. What is said of a scope of `doorman files` has its tools.
 *
 * @throws {UsageError} when a part is not NAME=WORDS
 */
export function parseScopes(text: string): readonly ScopeOption[] {
  const parts = text.split(';').map((part) => part.trim())
  const scopes = parts
    .filter((part) => part !== '')
    .map((part): ScopeOption => {
      const [, name = '', displayName = ''] = /^([^=\s]+)\s*=\s*(.+)$/s.exec(part) ?? []
      if (name === '') {
        throw new UsageError(
          `--scopes: "${part}" must be NAME=WORDS, with the words that people read: "files:read=Read files; files:write=Write files".`,
        )
      }
      const known = scopesOfFiles.find((scope) => scope.name === name)
      return { name, displayName: displayName.trim(), tools: known?.tools ?? [] }
    })
  if (scopes.length > 0) return scopes
  throw new UsageError('--scopes: names no scope. Write "NAME=What it allows; …", or leave it out.')
}
