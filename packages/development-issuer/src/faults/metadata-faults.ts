import { changeJson, type Interceptor, without } from '../interception/exchange.ts'
import { defineFault, everywhere, type FaultKind } from './fault-kind.ts'

type Document = Readonly<Record<string, unknown>>

export const metadataIssuer: FaultKind = defineFault({
  group: 'metadata',
  title: 'names another issuer in its metadata than the one that it is',
  causes: ['CF2', 'CF14'],
  parameters: {
    is: { kind: 'choice', values: ['slash', 'scheme', 'other'], initial: 'slash', says: 'what differs' },
  },
  open: ({ is }) =>
    changingMetadata((document) => {
      const issuer = String(document['issuer'])
      const otherScheme = issuer.replace(/^https?/, (scheme) => (scheme === 'http' ? 'https' : 'http'))
      const changed = { slash: `${issuer}/`, scheme: otherScheme, other: 'https://other.example.com' }
      return { ...document, issuer: changed[is] }
    }),
})

export const metadataPkce: FaultKind = defineFault({
  group: 'metadata',
  title: 'does not say in its metadata that it does PKCE, though it does',
  causes: ['CF40'],
  parameters: {
    is: {
      kind: 'choice',
      values: ['missing', 'plain'],
      initial: 'missing',
      says: 'what it says; plain: no S256',
    },
  },
  open: ({ is }) =>
    changingMetadata((document) =>
      is === 'missing'
        ? without(document, 'code_challenge_methods_supported')
        : { ...document, code_challenge_methods_supported: ['plain'] },
    ),
})

export const metadataIncomplete: FaultKind = defineFault({
  group: 'metadata',
  title: 'has nulls or gaps in its metadata',
  causes: ['CF29'],
  parameters: {
    is: {
      kind: 'choice',
      values: ['nulls', 'response-types', 'jwks'],
      initial: 'nulls',
      says: 'nulls, or the member that is missing',
    },
  },
  open: ({ is }) =>
    changingMetadata((document) => {
      if (is === 'jwks') return without(document, 'jwks_uri')
      if (is === 'response-types') return without(document, 'response_types_supported')
      return { ...document, registration_endpoint: null, scopes_supported: null }
    }),
})

export const metadataAuthMethods: FaultKind = defineFault({
  group: 'metadata',
  title: 'announces no way to authenticate for clients without a secret',
  causes: ['CF18'],
  parameters: {},
  open: () =>
    changingMetadata((document) => ({
      ...document,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    })),
})

export const metadataScopes: FaultKind = defineFault({
  group: 'metadata',
  title: 'announces a long list of scopes, most of which are nothing to an MCP server',
  causes: ['CF37'],
  parameters: {
    count: { kind: 'number', from: 1, to: 2000, initial: 200, says: 'how many more' },
  },
  open: ({ count }) => {
    const more = Array.from({ length: Math.trunc(count) }, (_, index) => `directory:right-${index + 1}`)
    return changingMetadata((document) => {
      const scopes: unknown = document['scopes_supported']
      return { ...document, scopes_supported: [...(Array.isArray(scopes) ? scopes : []), ...more] }
    })
  },
})

export const metadataType: FaultKind = defineFault({
  group: 'metadata',
  title: 'sends its metadata under another media type than that of JSON',
  causes: ['CF41'],
  parameters: {
    type: { kind: 'text', initial: 'text/plain; charset=utf-8', says: 'the media type' },
  },
  open: ({ type }) => ({
    answer: (answer, { endpoint }) =>
      endpoint === 'discovery' ? { ...answer, headers: { ...answer.headers, 'content-type': type } } : answer,
  }),
})

export const corsRefused: FaultKind = defineFault({
  group: 'metadata',
  title: 'lets no page of another origin read its answers',
  causes: ['CF48'],
  parameters: { at: everywhere },
  open: ({ at }) => ({
    answer(answer, { endpoint, method, headers }) {
      if (endpoint === undefined || !at.includes(endpoint)) return answer
      const kept = Object.entries(answer.headers).filter(([name]) => !name.startsWith('access-control-'))
      const refused = method === 'OPTIONS' && headers.origin !== undefined
      return { ...answer, headers: Object.fromEntries(kept), ...(refused && { status: 403 }) }
    },
  }),
})

function changingMetadata(change: (document: Document) => Document): Interceptor {
  return {
    answer: (answer, { endpoint }) => (endpoint === 'discovery' ? changeJson(answer, change) : answer),
  }
}
