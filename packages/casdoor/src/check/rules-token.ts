import type { FindingRule, Setting } from './rule.ts'

export type TokenFindingId =
  | 'sample_unreadable'
  | 'sample_no_access_token'
  | 'sample_issuer_differs'
  | 'sample_audience_differs'
  | 'sample_client_differs'
  | 'sample_organization_differs'
  | 'sample_key_unknown'
  | 'sample_without_scope'
  | 'sample_large'
  | 'sample_ended'

function client(field: string, to: string): () => Setting {
  return () => ({ page: 'the client that got the token', field, to })
}

/** Of the token that was given as a sample. */
export const tokenRules: Readonly<Record<TokenFindingId, FindingRule>> = {
  sample_unreadable: {
    severity: 'error',
    title: 'The sample is no token of Casdoor',
    why: 'Its access tokens are JWTs: three parts with dots between.',
    setting: client('access_token', 'the member of that name in the answer of the token endpoint'),
  },
  sample_no_access_token: {
    severity: 'error',
    title: 'The sample is no access token',
    why: 'Casdoor signs refresh and logout tokens with the same key, for the same audience. A server that does not tell them apart takes a refresh token, which lasts longer and is never looked at again.',
    setting: client('Authorization', 'Bearer with access_token, not refresh_token'),
  },
  sample_issuer_differs: {
    severity: 'error',
    title: 'The sample was issued under another name',
    why: '"iss" must be the issuer in the metadata, character by character. Without a setting Casdoor guesses it from the Host of the login.',
    setting: ({ origin }) => ({ page: 'conf/app.conf of Casdoor', field: 'origin', to: origin }),
  },
  sample_audience_differs: {
    severity: 'error',
    title: 'The sample is for another audience',
    why: 'A server takes tokens that name it. Casdoor names what the client sent as "resource", byte for byte, and the client itself if it sent none; for machines always the client.',
    setting: client(
      'resource (RFC 8707), in the authorization and in the token request',
      'the URL of the server, as its metadata has it',
    ),
  },
  sample_client_differs: {
    severity: 'error',
    title: 'The sample is of another application',
    why: 'A server that pins its application refuses it.',
    setting: client('client_id', 'the client id of the application'),
  },
  sample_organization_differs: {
    severity: 'error',
    title: 'The sample is of a user of another organization',
    why: 'A server that pins the application takes users of its organization only.',
    setting: ({ organization }) => ({
      page: 'the server',
      field: '--allow-owner',
      to: `the organization, beside ${organization}, if its users are meant`,
    }),
  },
  sample_key_unknown: {
    severity: 'error',
    title: 'No key of the application fits the sample',
    why: 'Casdoor publishes the present key only. When a certificate is changed, under a new name or the same, every token of the old one ends at once.',
    setting: client('token', 'a new login; and change certificates when everybody may log in again'),
  },
  sample_without_scope: {
    severity: 'note',
    title: 'The sample grants no scope',
    why: 'Casdoor grants what the client asks for, and this one asked for nothing: every tool is refused with the scopes that it needs.',
    setting: client('scope', "what the server's challenge names"),
  },
  sample_large: {
    severity: 'warning',
    title: 'The sample is large',
    why: 'It travels in a header with every request, and servers and proxies limit those, often at 8 KiB.',
    setting: ({ application }) => ({
      page: `Applications → ${application || 'the application'}`,
      field: 'Token format, Token fields (tokenFormat, tokenFields)',
      to: 'JWT-Custom with few fields',
    }),
    setup: ({ application }) => `--application ${application || 'NAME'}`,
  },
  sample_ended: {
    severity: 'note',
    title: 'The sample has ended',
    why: 'All else about it was looked at as if it had not.',
    setting: client('token', 'a fresh one'),
  },
}
