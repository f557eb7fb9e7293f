import { configurationSchema, describeField } from './json-schema.ts'

/** A configuration to begin with: one server, commented by the descriptions of its fields. */
export function formatStartingFile(): string {
  const schema = configurationSchema()
  const about = (indent: string, path: string): string => wrap(indent, describeField(schema, path))
  return `# yaml-language-server: $schema=doorman.schema.json
# (doorman config schema > doorman.schema.json)
#
# Check it with "doorman config check", ask it with "doorman config explain", run it with "doorman gateway".

version: 1

${about('', 'publicUrl')}
# publicUrl: https://mcp.example.com

${about('', 'state')}
# state: /var/lib/doorman

${about('', 'audit')}
# audit: /var/log/doorman/audit.jsonl

# Whose tokens are accepted. "doorman dev" is an issuer to try things with; or name your own:
#   - casdoor: https://auth.example.com
#     application: mcp-notes
issuers:
  - issuer: http://127.0.0.1:8081

servers:
  notes:
${about('    ', 'servers.*.path')}
    path: /notes/mcp

    # One of these says what stands behind the gate:
    #   url: https://notes.internal.example.com/mcp
    #   files: ./documents
${about('    ', 'servers.*.command')}
    command: [python3, server.py]

${about('    ', 'servers.*.scopes')}
    scopes:
      notes:read: {}
      notes:write: { implies: [notes:read] }

${about('    ', 'servers.*.challenge')}
    challenge: [notes:read]

${about('    ', 'servers.*.rules')}
    rules:
      - tools: [read_note, search_notes]
        require: { scopes: [notes:read] }
      - tools: [write_note]
        require: { scopes: [notes:write] }
${about('        ', 'servers.*.rules.*.when')}
        when: size(args.text) < 65536
        limit: 30/min

${about('    ', 'servers.*.expect')}
    expect:
      - { tool: read_note, scopes: [notes:write], outcome: allow }
      - { tool: write_note, scopes: [notes:read], arguments: { text: short }, outcome: challenge }
      - { tool: delete_everything, scopes: [notes:write], outcome: hide }
`
}

const width = 100

function wrap(indent: string, text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && indent.length + 2 + last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.map((line) => `${indent}# ${line}`).join('\n')
}
