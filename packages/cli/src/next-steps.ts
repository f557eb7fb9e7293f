import { existsSync } from 'node:fs'
import { quoteForShell } from './shell-words.ts'

export interface RunningDev {
  readonly resource: string
  readonly issuer: string
  readonly directory: string
  readonly state: string
  readonly users: readonly { readonly name: string; readonly password: string }[]
}

/** What `doorman dev` prints once everything listens: each line can be pasted as it stands. */
export function formatNextSteps({ resource, issuer, directory, state, users }: RunningDev): string {
  const { origin } = new URL(resource)
  const stateOption = state === '.doorman' ? '' : ` --state ${quoteForShell(state)}`
  const token = `$(${commandName()} token issue${stateOption} --user ${quoteForShell(users[0]?.name ?? '')} --scope "files:list files:read")`
  const people = users.map(({ name, password }) => `${name} (password ${password})`).join(', ')
  return `
Doorman is at the door of ${directory}

  MCP server   ${resource}
  Issuer       ${issuer}
  Users        ${people}

Try it, in another terminal, in this folder:

  curl -s ${origin}/tools/call -H "Content-Type: application/json" \\
    -H "Authorization: Bearer ${token}" \\
    -d '{"name":"list_files","arguments":{}}'

Add it to a client, which then opens the login page in a browser:

  Claude Code   claude mcp add --transport http files ${resource}   and then /mcp
  VS Code       code --add-mcp '{"name":"files","type":"http","url":"${resource}"}'
  Inspector     npx @modelcontextprotocol/inspector   with transport Streamable HTTP and the URL above

Make the issuer misbehave, to see what clients and servers make of it:

  ${issuer.replace(/\/$/, '')}/faults   in a browser, or: ${commandName()} dev fault list${stateOption}

Each decision is recorded as a line on standard error. End with Ctrl+C.

`
}

/** How this command can be called again from the folder it was started in. */
function commandName(): string {
  if (existsSync('node_modules/.bin/doorman')) return 'npx doorman'
  const [, script = ''] = process.argv
  return script.includes('_npx')
    ? 'npx mcp-doorman'
    : `${quoteForShell(process.execPath)} ${quoteForShell(script)}`
}
