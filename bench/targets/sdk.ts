/** S1: the official SDK, with its own gate, jose for the token, and its scope challenge on the tool. */
import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
  requireScopes,
  type AuthInfo,
} from '@modelcontextprotocol/server'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { z } from 'zod'
import { listen } from './listen.ts'
import { serveTarget } from './serve.ts'

const inputSchema = z.object({ text: z.string() })

serveTarget(({ resource, scope, issuer, jwksUri }) => {
  const keys = createRemoteJWKSet(new URL(jwksUri))

  async function verifyAccessToken(token: string): Promise<AuthInfo> {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: resource,
      typ: 'at+jwt',
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'sub', 'client_id'],
    }).catch(() => {
      throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is not valid here.')
    })
    return {
      token,
      clientId: String(payload['client_id']),
      scopes: String(payload['scope'] ?? '').split(' '),
      ...(payload.exp !== undefined && { expiresAt: payload.exp }),
      resource: new URL(String(payload.aud)),
    }
  }

  const gate = requireBearerAuth({ verifier: { verifyAccessToken }, expectedResource: new URL(resource) })
  const scopeChallenge = requireScopes(scope)
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name: 'bench', version: '1.0.0' })
      server.registerTool(
        'echo',
        { description: 'Says what it is told.', inputSchema, scopeChallenge },
        ({ text }) => ({ content: [{ type: 'text', text }] }),
      )
      return server
    },
    { responseMode: 'json' },
  )
  const serve = toNodeHandler({
    fetch: async (request, options) => {
      const caller = await gate(request)
      return caller instanceof Response ? caller : handler.fetch(request, { ...options, authInfo: caller })
    },
  })
  return listen((request, response) => void serve(request, response))
})
