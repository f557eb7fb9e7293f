import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'

/** An issuer for the examples, with users alice and bob; on loopback, and never in production. */
export const issuer = await startDevelopmentIssuer({
  port: Number(process.env['ISSUER_PORT'] ?? 8081),
  state: process.env['ISSUER_STATE'] ?? '.doorman',
  resources: [
    {
      resource: process.env['RESOURCE'] ?? 'http://127.0.0.1:3000/mcp',
      scopes: ['notes:read', 'notes:write', 'files:list', 'files:read', 'files:write'],
      defaultScopes: ['notes:read'],
    },
  ],
})
