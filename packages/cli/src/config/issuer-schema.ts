import * as z from 'zod'
import { duration, flag, secret, section, text, texts } from './fields.ts'

const introspection = section({
  clientId: text.describe('What the issuer calls this server.'),
  clientSecret: secret
    .optional()
    .describe('The secret of that client, as `env:NAME` or `file:PATH`. Either this or `privateKey`.'),
  privateKey: secret
    .optional()
    .describe('Its private key in PEM (PKCS #8), as `env:NAME` or `file:PATH`, to sign assertions with.'),
  keyId: text.optional().describe('`kid` of the assertions. Default: none.'),
  algorithm: text.optional().describe('`alg` of the assertions. Default: by the kind of the key.'),
  assertionIssuer: text
    .optional()
    .describe('`iss` of the assertions. Default: the client id; Casdoor wants one of the redirect URIs.'),
  assertionAudience: text
    .optional()
    .describe('`aud` of the assertions. Default: the issuer; for Casdoor its token endpoint.'),
  endpoint: text
    .optional()
    .describe("Where to ask. Default: what the issuer's metadata names; Casdoor's own."),
  cache: duration(1, 60).optional().describe('How long an answer holds; `1s` to `60s`. Default: `30s`.'),
  acceptMissingAudience: flag
    .optional()
    .describe(
      'Take answers about opaque tokens that name no audience as answers about ours. Default: `false`.',
    ),
})

const everyIssuer = {
  roleClaims: texts
    .optional()
    .describe(
      'Claims that list roles, by name or as a JSON Pointer such as `/realm_access/roles`. Default: `roles`; for a Casdoor `roles` and `role_names`.',
    ),
  groupClaims: texts.optional().describe('Claims that list groups, in the same way. Default: `groups`.'),
  introspection: introspection
    .optional()
    .describe('Ask the issuer whether each token is still good (RFC 7662). Default: it is not asked.'),
  keepRemovedKeys: duration(1, 604_800)
    .optional()
    .describe(
      'How long a key goes on verifying that the issuer has stopped publishing, also one that leaked; up to `7d`. Default: not at all.',
    ),
}

/** An issuer of standard access tokens. */
export const standardIssuer = section({
  issuer: text.describe('The issuer identifier, as `iss` says it. Https, or http on loopback.'),
  jwksUri: text
    .optional()
    .describe('Where its keys are, if it publishes no metadata. Default: where its metadata says.'),
  algorithms: texts
    .optional()
    .describe(
      'Accepted values of `alg`; asymmetric only. Default: `[RS256, PS256, ES256, ES384, ES512, EdDSA, Ed25519]`.',
    ),
  allowedClients: texts
    .optional()
    .describe('Accept tokens of these OAuth clients only. Default: every client that gets our audience.'),
  clientClaim: text.optional().describe('The claim that names the client. Default: `client_id`.'),
  tokens: z
    .enum(['jwt', 'opaque'])
    .optional()
    .describe(
      '`jwt`: RFC 9068, verified by keys. `opaque`: only the issuer can read them, by `introspection`. Default: `jwt`.',
    ),
  ...everyIssuer,
})

/** A Casdoor that issues the tokens itself. */
export const casdoorIssuer = section({
  casdoor: text.describe("The Casdoor's `origin` setting, without a path."),
  application: text
    .optional()
    .describe(
      "The application's name: pins its key, its client id and its organization. Default: no application is pinned, so `allowedClients` must name clients.",
    ),
  allowedClients: z
    .union([z.literal('any'), texts], { error: 'must be a list of client ids, or any.' })
    .optional()
    .describe(
      "Client ids to accept besides the application's; `any` accepts every application of that Casdoor. Default: the application's own.",
    ),
  allowedOwners: texts.optional().describe('Organizations whose users are accepted. Default: not looked at.'),
  ...everyIssuer,
})
