/** Where a client is sent back to after the login. */
export interface McpClient {
  readonly title: string
  /** What must be listed. Addresses on loopback need not be: see `passesAnywhere`. */
  readonly redirectUris: readonly string[]
  /** What is left to do by hand. */
  readonly remark?: string
}

/** The clients that `--for` knows, by the word for them. */
export const mcpClients: Readonly<Record<string, McpClient>> = {
  claude: {
    title: 'Claude (web, desktop, mobile)',
    redirectUris: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
  },
  'claude-code': {
    title: 'Claude Code',
    redirectUris: ['claude://claude.ai/mcp-auth-callback/sdk'],
  },
  chatgpt: {
    title: 'ChatGPT',
    redirectUris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
    remark:
      'ChatGPT shows an address of its own for each new connector (https://chatgpt.com/connector/oauth/…): add that one with --redirect.',
  },
  codex: { title: 'Codex', redirectUris: [] },
  cursor: {
    title: 'Cursor',
    redirectUris: [
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
    ],
  },
  gemini: { title: 'Gemini CLI', redirectUris: [] },
  goose: {
    title: 'Goose',
    redirectUris: [],
    remark: 'Goose takes no client id from its user, so it cannot log in where registration is off.',
  },
  inspector: { title: 'MCP Inspector', redirectUris: [] },
  'mcp-remote': { title: 'mcp-remote', redirectUris: [] },
  vscode: {
    title: 'VS Code',
    redirectUris: ['https://vscode.dev/redirect', 'https://insiders.vscode.dev/redirect'],
  },
  zed: {
    title: 'Zed',
    redirectUris: [],
    remark: 'Zed registers itself or describes itself by a document, and Casdoor does neither for it.',
  },
}
