import type { ClientCredentials } from '@mcp-doorman/casdoor'
import { printable } from '../printable.ts'
import { connectLines, type NamedClient } from './clients.ts'
import type { NamedServer } from './from-configuration.ts'

export interface Closing {
  readonly clients: readonly NamedClient[]
  readonly scopes: readonly { readonly name: string }[]
  readonly servers: readonly NamedServer[]
  /** The words that start it. */
  readonly command: string
}

/** What to do next: the line that starts the server, and how clients find it. Each line can be pasted. */
export function formatClosing(
  { clients, scopes, servers, command }: Closing,
  { clientId }: ClientCredentials,
): string {
  const id = printable(clientId)
  const names = scopes.map(({ name }) => name)
  const told = clients.flatMap((client) => [
    `  ${client.title}`,
    ...servers.map((server) => `    ${connectLines(client, id, server, names)}`),
    ...(client.remark === undefined ? [] : [`    ${client.remark}`]),
  ])
  const lines = [
    '',
    'Start the server against it:',
    '',
    `  ${command}`,
    '',
    `Clients cannot register themselves here, so each is told this client id: ${id}`,
    'They need no secret: the codes are bound to them by PKCE.',
    ...(told.length === 0 ? [] : ['', ...told]),
    '',
  ]
  return lines.join('\n')
}
