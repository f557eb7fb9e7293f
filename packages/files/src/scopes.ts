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
])
