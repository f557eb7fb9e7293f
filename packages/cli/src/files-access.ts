import { filesScopes, scopesOfResources, scopesOfTools } from '@mcp-doorman/files'

/** Who may use the tools and resources of a files server, unless the operator says otherwise. */
export interface FilesAccess {
  readonly scopes: Readonly<Record<string, { readonly implies?: never }>>
  readonly challenge: readonly string[]
  readonly rules: readonly FilesRule[]
}

interface FilesRule {
  readonly id: string
  readonly tools?: readonly string[]
  readonly resources?: readonly string[]
  readonly require: { readonly scopes: readonly string[] }
}

/** A rule for each tool that is offered, and for resources; every scope that they ask for. */
export function filesAccess(readOnly: boolean): FilesAccess {
  const offered = [...scopesOfTools].filter(([, scopes]) => !readOnly || !scopes.includes(filesScopes.write))
  const rules: readonly FilesRule[] = [
    ...offered.map(([tool, scopes]) => ({ id: tool, tools: [tool], require: { scopes } })),
    ...scopesOfResources.map(({ id, resources, scopes }) => ({ id, resources, require: { scopes } })),
  ]
  const scopes = [...new Set(rules.flatMap(({ require }) => require.scopes))].toSorted()
  return {
    scopes: Object.fromEntries(scopes.map((scope) => [scope, {}])),
    // Writing is stepped up to when a tool first needs it.
    challenge: scopes.filter((scope) => scope !== filesScopes.write),
    rules,
  }
}
