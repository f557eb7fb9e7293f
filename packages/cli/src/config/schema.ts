import * as z from 'zod'
import { duration, flag, rateOrOff, secret, section, text, texts } from './fields.ts'
import { casdoorIssuer, standardIssuer } from './issuer-schema.ts'
import { commandServer, filesServer, urlServer } from './server-schema.ts'

/** The kinds of issuers, by the field that only they have. */
export const issuerKinds = { issuer: standardIssuer, casdoor: casdoorIssuer } as const

/** The kinds of servers, by the field that only they have. */
export const serverKinds = { command: commandServer, url: urlServer, files: filesServer } as const

const listen = section({
  host: text.optional().describe('Address to listen on. Default: `127.0.0.1`. A change needs a restart.'),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('Port to listen on. Default: `8080`. A change needs a restart.'),
  allowedHosts: texts
    .optional()
    .describe(
      'Further values of `Host` to answer to. Default: those of the addresses. A change needs a restart.',
    ),
  allowedOrigins: texts
    .optional()
    .describe(
      'Further origins whose pages may use the servers, as `https://app.example.com`. Default: none. A change needs a restart.',
    ),
})

const dpop = section({
  required: flag.optional().describe('Refuse tokens that are bound to no key. Default: `false`.'),
  algorithms: texts
    .optional()
    .describe(
      "Accepted values of a proof's `alg`. Default: `[ES256, ES384, ES512, EdDSA, Ed25519, RS256, PS256]`.",
    ),
  maxAge: duration(5, 300)
    .optional()
    .describe("How far a proof's time may be from now; `5s` to `300s`. Default: `300s`."),
  nonce: z
    .union([z.literal('random'), secret], { error: 'must be random, env:NAME or file:PATH.' })
    .optional()
    .describe(
      'Make proofs repeat a value of ours: `random`, or `env:NAME` or `file:PATH` with a secret that all instances share. Default: not asked for.',
    ),
})

const everything = {
  version: z.literal(1).describe('The version of this format: `1`.'),
  publicUrl: text
    .optional()
    .describe(
      'The origin that clients use, as `https://mcp.example.com`. Default: `http://` with the address that is listened on, which must then be of loopback. A change needs a restart.',
    ),
  listen: listen.optional().describe('Where to listen. TLS ends at a proxy in front.'),
  state: text
    .optional()
    .describe(
      'A folder (mode 0700) that keeps revocations, and through which `doorman revoke` and `doorman status` reach the server. Default: none. A change needs a restart.',
    ),
  audit: text
    .optional()
    .describe(
      'A hash-chained file that records are appended to. Default: one line each on standard error. A change needs a restart.',
    ),
  limit: rateOrOff
    .optional()
    .describe(
      'How often one caller may send a message to one server, as `600/min`; or `off`. Default: `600/min`.',
    ),
  clockTolerance: duration(1, 300)
    .optional()
    .describe("How far issuers' clocks may differ from ours; `1s` to `300s`. Default: `30s`."),
  dpop: dpop
    .optional()
    .describe('Take tokens that are bound to a key, with proof of it (RFC 9449). Default: they are refused.'),
}

/** The file without what is of several kinds, which is read by {@link issuerKinds} and {@link serverKinds}. */
export const outline = section({
  ...everything,
  issuers: z.array(z.looseObject({})).min(1).max(20),
  servers: z
    .record(z.string(), z.looseObject({}))
    .refine((servers) => Object.keys(servers).length > 0, 'is empty. Name a server.'),
})

/** The whole file, as it is described to people and editors. */
export const wholeFile = section({
  ...everything,
  issuers: z
    .array(z.union(Object.values(issuerKinds)))
    .min(1)
    .max(20)
    .describe('Whose tokens are accepted, at every server.'),
  servers: z
    .record(z.string(), z.union(Object.values(serverKinds)))
    .describe('The servers behind the gate, by a name of letters, digits, `-` and `_`.'),
})
