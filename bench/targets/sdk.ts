/**
 * S1: the official SDK, with its own gate, jose for the token, and its scope challenge on the tool.
 *
 * Set up in the fastest of the ways that it documents: the body is parsed before it (its own reading costs more),
 * and answers are JSON. For the revisions of 2025 `createMcpHandler` would answer with a stream, so there the
 * stateless transport is wired by hand.
 */
import type { RequestListener } from 'node:http'
import { toNodeHandler, type FetchLikeMcpHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  fromJsonSchema,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
  requireScopes,
  WebStandardStreamableHTTPServerTransport,
  type AuthInfo,
} from '@modelcontextprotocol/server'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { listen } from './listen.ts'
import { serveTarget, type TargetSettings } from './serve.ts'

serveTarget(({ era, ...settings }) => {
  const gate = requireBearerAuth({
    verifier: { verifyAccessToken: createVerifier(settings) },
    expectedResource: new URL(settings.resource),
  })
  const makeServer = createServerFactory(settings.scope)
  const handler = era === '2026' ? createMcpHandler(makeServer) : createLegacyHandler(makeServer)
  return listen(
    parsingBodies(
      toNodeHandler({
        fetch: async (request, options) => {
          const caller = await gate(request)
          if (caller instanceof Response) return caller
          return handler.fetch(request, { ...options, authInfo: caller })
        },
      }),
    ),
  )
})

/** Claims that the issuer puts into its tokens, as far as they are used. */
interface Claims {
  readonly client_id: string
  readonly scope?: string
}

function createVerifier({
  issuer,
  jwksUri,
  resource,
}: Pick<TargetSettings, 'issuer' | 'jwksUri' | 'resource'>): (token: string) => Promise<AuthInfo> {
  const keys = createRemoteJWKSet(new URL(jwksUri))
  const checks = {
    issuer,
    audience: resource,
    typ: 'at+jwt',
    algorithms: ['RS256'],
    requiredClaims: ['exp', 'sub', 'client_id'],
  }
  return async (token) => {
    const { payload } = await jwtVerify<Claims>(token, keys, checks).catch(() => {
      throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is not valid here.')
    })
    return {
      token,
      clientId: payload.client_id,
      scopes: (payload.scope ?? '').split(' '),
      ...(payload.exp !== undefined && { expiresAt: payload.exp }),
      resource: new URL(String(payload.aud)),
    }
  }
}

function createServerFactory(scope: string): () => McpServer {
  const scopeChallenge = requireScopes(scope)
  const inputSchema = fromJsonSchema<{ readonly text: string }>({
    type: 'object',
    additionalProperties: false,
    required: ['text'],
    properties: { text: { type: 'string' } },
  })
  return () => {
    const server = new McpServer({ name: 'bench', version: '1.0.0' })
    server.registerTool(
      'echo',
      { description: 'Says what it is told.', inputSchema, scopeChallenge },
      ({ text }) => ({ content: [{ type: 'text', text }] }),
    )
    return server
  }
}

function createLegacyHandler(makeServer: () => McpServer): FetchLikeMcpHandler {
  return {
    fetch: async (request, options) => {
      const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
      await makeServer().connect(transport)
      return transport.handleRequest(request, options)
    },
  }
}

function parsingBodies(serve: ReturnType<typeof toNodeHandler>): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
      // What the handler is made for; only the types of the two disagree about undefined members.
      void serve(request as Parameters<typeof serve>[0], response, body)
    })
  }
}
