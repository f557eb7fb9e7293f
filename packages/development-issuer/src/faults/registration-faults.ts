import {
  type Answer,
  changeJson,
  jsonAnswer,
  oauthError,
  parseObject,
  without,
} from '../interception/exchange.ts'
import { defineFault, type FaultKind } from './fault-kind.ts'

export const registrationOff: FaultKind = defineFault({
  group: 'registration',
  title: 'registers nobody',
  causes: ['CF28'],
  parameters: {
    advertised: {
      kind: 'choice',
      values: ['yes', 'no'],
      initial: 'yes',
      says: 'whether the metadata still announces registration and client-ID metadata documents',
    },
  },
  open: ({ advertised }) => ({
    ask: (exchange) =>
      exchange.endpoint === 'registration'
        ? {
            answer:
              advertised === 'yes'
                ? oauthError(400, 'invalid_client_metadata', 'dynamic client registration is not supported')
                : oauthError(404, 'not_found', 'nothing is here'),
          }
        : { exchange },
    answer: (answer, { endpoint }) =>
      endpoint === 'discovery' && advertised === 'no'
        ? changeJson(answer, (document) =>
            without(document, 'registration_endpoint', 'client_id_metadata_document_supported'),
          )
        : answer,
  }),
})

/** RFC 7591 §2: what a strict reading knows. */
const knownMetadata: ReadonlySet<string> = new Set([
  'application_type',
  'client_name',
  'client_uri',
  'contacts',
  'grant_types',
  'jwks',
  'jwks_uri',
  'logo_uri',
  'policy_uri',
  'redirect_uris',
  'response_types',
  'scope',
  'software_id',
  'software_version',
  'token_endpoint_auth_method',
  'tos_uri',
])

export const registrationPolicy: FaultKind = defineFault({
  group: 'registration',
  title: 'refuses registrations for what they say',
  causes: ['CF22'],
  parameters: {
    refuses: {
      kind: 'choice',
      values: ['every-host', 'unknown-members', 'scopes'],
      initial: 'every-host',
      says: 'what it takes offence at',
    },
  },
  open: ({ refuses }) => ({
    ask(exchange) {
      if (exchange.endpoint !== 'registration' || exchange.method !== 'POST') return { exchange }
      if (refuses === 'every-host') return { answer: untrustedHost() }
      const metadata = parseObject(exchange.body) ?? {}
      const unknown = Object.keys(metadata).find((name) => !knownMetadata.has(name))
      if (refuses === 'unknown-members' && unknown !== undefined) {
        return {
          answer: oauthError(400, 'invalid_client_metadata', `unknown member ${unknown.slice(0, 100)}`),
        }
      }
      if (refuses === 'scopes' && (metadata['scope'] ?? '') !== '') {
        return { answer: oauthError(403, 'insufficient_scope', 'the scopes are not permitted') }
      }
      return { exchange }
    },
  }),
})

/** What Keycloak answers while its list of trusted hosts is empty, as it is at first. */
export function untrustedHost(): Answer {
  return oauthError(403, 'insufficient_scope', 'the policy "Trusted Hosts" does not allow this host')
}

export const registrationAnswer: FaultKind = defineFault({
  group: 'registration',
  title: 'registers the client and answers in a way that clients reject',
  causes: ['CF30'],
  parameters: {
    is: {
      kind: 'choice',
      values: ['null-secret', 'empty-secret', 'no-redirects', 'no-id'],
      initial: 'null-secret',
      says: 'what is wrong with it',
    },
  },
  open: ({ is }) => ({
    answer(answer, { endpoint }) {
      if (endpoint !== 'registration' || answer.status !== 201) return answer
      return changeJson(answer, (document) => {
        if (is === 'no-redirects') return without(document, 'redirect_uris')
        if (is === 'no-id') return without(document, 'client_id')
        return { ...document, client_secret: is === 'null-secret' ? null : '' }
      })
    },
  }),
})

export const clientsForgotten: FaultKind = defineFault({
  group: 'registration',
  title: 'no longer knows any client at the token endpoint',
  causes: ['CF31'],
  parameters: {},
  open: () => ({
    ask: (exchange) =>
      exchange.endpoint === 'token' && exchange.method === 'POST'
        ? { answer: jsonAnswer(401, { error: 'invalid_client', error_description: 'the client is unknown' }) }
        : { exchange },
  }),
})
