import type { UpstreamTool } from '@mcp-doorman/gateway'
import { stringify } from 'yaml'
import { printable } from '../printable.ts'

/** What a draft of doorman.yaml is made from. */
export interface DraftOptions {
  readonly name: string
  /** The members of the file besides its servers, as they are written there. */
  readonly file: Readonly<Record<string, unknown>>
  /** The members of the server besides its access, as they are written there. */
  readonly server: Readonly<Record<string, unknown>>
  readonly tools: readonly UpstreamTool[]
  /** Whether somebody named the issuers, or they stand for what is to be named. */
  readonly issuersAreNamed: boolean
}

/**
 * A configuration with a scope proposed for each tool: for those that call themselves read-only one to read, for all
 * others one to write. Everything else stays closed.
 *
 * What a server says of its own tools binds nobody and may be false, so a draft is for reading and not for running.
 */
export function formatDraft({ name, file, server, tools, issuersAreNamed }: DraftOptions): string {
  const { issuers, ...others } = file
  const named = tools.filter(canBeNamed)
  const leftOut = tools.filter((tool) => !canBeNamed(tool))
  const proposed = [
    { scope: `${name}:read`, tools: named.filter(isReadOnly) },
    { scope: `${name}:write`, tools: named.filter((tool) => !isReadOnly(tool)) },
  ].filter((group) => group.tools.length > 0)
  const indented = (value: unknown, indent: string): string =>
    stringify(value, { lineWidth: 0 }).replace(/^(?=.)/gm, indent)
  return `# yaml-language-server: $schema=doorman.schema.json
#
# A draft, from what the server says of its own tools: which only read is its word alone. Read each line,
# change what is wrong, and then run "doorman gateway".

version: 1

${stringify(others, { lineWidth: 0 })}
${issuersAreNamed ? '' : '# Name your own issuer; this one is that of "doorman dev".\n'}${stringify({ issuers }, { lineWidth: 0 })}
servers:
  ${name}:
${indented(server, '    ')}
    scopes:
${proposed.map(({ scope }) => `      ${scope}: {}\n`).join('')}
    challenge: [${proposed[0]?.scope ?? ''}]

    # The first rule that names a tool is the only one judged. What none names does not exist for anybody:
    # resources and prompts, and tools that the server may get later.
    rules:
${proposed.map(formatRule).join('')}${leftOut.map(formatLeftOut).join('')}`
}

function formatRule({
  scope,
  tools,
}: {
  readonly scope: string
  readonly tools: readonly UpstreamTool[]
}): string {
  const lines = tools.map((tool) => `          - ${quoted(tool.name)}${comment(tool)}\n`)
  return `      - require: { scopes: [${scope}] }\n        tools:\n${lines.join('')}`
}

function formatLeftOut({ name }: UpstreamTool): string {
  return `    # Left out, since no rule can name it alone: ${shortened(name)}\n`
}

function isReadOnly({ annotations }: UpstreamTool): boolean {
  return annotations['readOnlyHint'] === true
}

/** A star in a rule is any run of characters. */
function canBeNamed({ name }: UpstreamTool): boolean {
  return name !== '' && !name.includes('*')
}

function quoted(name: string): string {
  const isPlain = /^[A-Za-z_][\w./-]*$/.test(name) && !/^(?:true|false|null)$/i.test(name)
  return isPlain ? name : printable(JSON.stringify(name))
}

const mostCharacters = 80

/** What the server says of a tool, on one line and cut: it is somebody else's text. */
function comment({ description, annotations }: UpstreamTool): string {
  const destructive = annotations['destructiveHint'] === true ? 'destructive: ' : ''
  const text = destructive + shortened(description ?? '')
  return text === '' ? '' : ` # ${text}`
}

function shortened(text: string): string {
  const line = printable(text.replace(/\s+/g, ' ').trim())
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters)}…` : line
}
