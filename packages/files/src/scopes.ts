import { fileUriTemplate } from './file-uri.ts'

/** The OAuth scopes that the tools of the files server ask for. Flat: none includes another. */
export const filesScopes = {
  list: 'files:list',
  read: 'files:read',
  write: 'files:write',
} as const

/** Which scopes a call of each tool needs; all of them. */
export const scopesOfTools: ReadonlyMap<string, readonly string[]> = new Map([
  ['list_files', [filesScopes.list]],
  ['read_file', [filesScopes.read]],
  ['write_file', [filesScopes.write]],
  // The difference, and whether something matches, show what is in the file.
  ['edit_file', [filesScopes.read, filesScopes.write]],
  ['search_files', [filesScopes.read, filesScopes.list]],
  ['move_file', [filesScopes.write]],
  ['delete_file', [filesScopes.write]],
])

export interface ResourceScopes {
  /** Names the rule in records. */
  readonly id: string
  /** URIs; `*` is any run of characters. */
  readonly resources: readonly string[]
  /** All of these. */
  readonly scopes: readonly string[]
}

/**
 * Which scopes the use of resources needs.
 *
 * A completion of paths names the template itself. As a selector that would be every file, so it is named as a glob.
 */
export const scopesOfResources: readonly ResourceScopes[] = [
  { id: 'complete_path', resources: [`${fileUriTemplate}*`], scopes: [filesScopes.list, filesScopes.read] },
  { id: 'read_resource', resources: ['file:///*'], scopes: [filesScopes.read] },
]
