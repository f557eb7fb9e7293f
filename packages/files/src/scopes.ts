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
