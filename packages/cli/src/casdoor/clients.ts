import { mcpClients, type McpClient } from '@mcp-doorman/casdoor'
import { UsageError } from '../failure.ts'
import { quoteForShell } from '../shell-words.ts'
import type { NamedServer } from './from-configuration.ts'

/** A client that was named with `--for`. */
export interface NamedClient extends McpClient {
  readonly word: string
}

export const clientWords: string = Object.keys(mcpClients).join(', ')

/**
 * Reads `claude,vscode,inspector`.
 *
 * @throws {UsageError} when a word is none of them
 */
export function parseClients(text: string): readonly NamedClient[] {
  const words = text.split(',').map((word) => word.trim().toLowerCase())
  return [...new Set(words.filter((word) => word !== ''))].map((word) => {
    const client = Object.hasOwn(mcpClients, word) ? mcpClients[word] : undefined
    if (client !== undefined) return { word, ...client }
    throw new UsageError(
      `--for: "${word.slice(0, 50)}" is no client that is known here. Known are ${clientWords}. For another, add its address with --redirect.`,
    )
  })
}

/** How each client is told about the server: a line or two for people. */
export function connectLines(
  client: NamedClient,
  clientId: string,
  { name, resource }: NamedServer,
  scopes: readonly string[],
): string {
  const json = (value: unknown): string => JSON.stringify(value)
  switch (client.word) {
    case 'claude':
      return `Settings → Connectors → Add custom connector: ${resource}, and under Advanced the client id ${clientId}`
    case 'claude-code':
      return `claude mcp add --transport http --client-id ${quoteForShell(clientId)} --callback-port 8765 ${quoteForShell(name)} ${quoteForShell(resource)}`
    case 'chatgpt':
      return `Developer mode → create a connector: ${resource}, OAuth, client id ${clientId}`
    case 'codex':
      return `~/.codex/config.toml: [mcp_servers.${name}] url = ${json(resource)} and [mcp_servers.${name}.oauth] client_id = ${json(clientId)}`
    case 'cursor':
      return `.cursor/mcp.json: ${json({ mcpServers: { [name]: { url: resource, auth: { CLIENT_ID: clientId, scopes } } } })}`
    case 'gemini':
      return `~/.gemini/settings.json: ${json({ mcpServers: { [name]: { httpUrl: resource, oauth: { enabled: true, clientId, scopes } } } })}`
    case 'inspector':
      return `npx @modelcontextprotocol/inspector: transport Streamable HTTP, ${resource}, and under Authentication the client id ${clientId}`
    case 'mcp-remote':
      return `npx mcp-remote ${quoteForShell(resource)} --static-oauth-client-info ${quoteForShell(json({ client_id: clientId }))}`
    case 'vscode':
      return `.vscode/mcp.json: ${json({ servers: { [name]: { type: 'http', url: resource, oauth: { clientId } } } })}`
    default:
      return `${resource}, with the client id ${clientId} where it asks for one`
  }
}
