import * as z from 'zod'
import { duration, flag, rate, section, text, texts } from './fields.ts'

const authentication = section({
  acrValues: texts.optional().describe("The token's `acr` must be one of these. Default: not looked at."),
  maxAge: duration(1, 31_536_000)
    .optional()
    .describe(
      "How long ago the user may have logged in, by the token's `auth_time`; `1s` to `365d`. Default: not looked at.",
    ),
})

const requirements = section({
  scopes: texts
    .optional()
    .describe('All of these. What is missing ends in a challenge. Default: none is needed.'),
  anyScope: texts
    .optional()
    .describe('One of these. None ends in a challenge for the first. Default: not looked at.'),
  anyRole: texts.optional().describe('One of these roles, in exactly this spelling. Default: not looked at.'),
  anyGroup: texts
    .optional()
    .describe('One of these groups, in exactly this spelling. Default: not looked at.'),
  anyClient: texts
    .optional()
    .describe('The token was issued to one of these OAuth clients. Default: not looked at.'),
  authentication: authentication
    .optional()
    .describe(
      'How the user must have logged in (RFC 9470); what is not met ends in a request to log in again. Default: not looked at.',
    ),
})

/** Who may use what. */
export const rule = section({
  id: text
    .max(100)
    .optional()
    .describe('Names the rule in records, after the name of the server. Default: its place, `rules[0]`.'),
  tools: texts
    .optional()
    .describe('Tools that the rule is for, by name, or as globs in which `*` is any run of characters.'),
  resources: texts
    .optional()
    .describe(
      'Resources that the rule is for: URIs, globs of them, or URI templates, in which `{name}` is one segment and `{+name}` anything.',
    ),
  prompts: texts.optional().describe('Prompts that the rule is for, by name or glob.'),
  require: requirements
    .optional()
    .describe('What a caller must have. Default: a valid token, and nothing else.'),
  when: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe(
      'A CEL expression over `args`, `identity`, `client` and `item`. Only `true` allows; everything else, and an error, denies. Default: no condition.',
    ),
  limit: rate
    .optional()
    .describe('How often one caller may use what the rule names, as `30/min`. Default: no limit of its own.'),
  otherwise: z
    .enum(['refuse', 'hide'])
    .optional()
    .describe(
      'What a caller meets whom no scope can help: `refuse` says so, `hide` answers as for what does not exist. Default: `refuse`.',
    ),
  hidden: flag
    .optional()
    .describe(
      'Hides what the rule names from everybody, also where a later rule names it. Default: `false`.',
    ),
})

/** What a scope is. */
export const scope = section({
  implies: texts.optional().describe('Scopes that come with this one, without cycles. Default: none.'),
})

/** What is expected of the rules. */
export const expectation = section({
  tool: text.optional().describe('The tool that is called. One of `tool`, `resource` and `prompt`.'),
  resource: text.optional().describe('The URI of the resource that is read.'),
  prompt: text.optional().describe('The prompt that is asked for.'),
  scopes: z.array(text).optional().describe("The token's scopes. Default: none."),
  roles: z.array(text).optional().describe("The caller's roles. Default: none."),
  groups: z.array(text).optional().describe("The caller's groups. Default: none."),
  client: text.optional().describe('The OAuth client of the token. Default: `expectation`.'),
  subject: text.optional().describe('The user. Default: `expectation`.'),
  claims: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Further claims of the token, for conditions and `authentication`. Default: none.'),
  arguments: z.record(z.string(), z.unknown()).optional().describe('Arguments of the call. Default: none.'),
  outcome: z
    .enum(['allow', 'challenge', 'refuse', 'hide'])
    .describe(
      '`allow`; `challenge`: a scope or a fresh login would help; `refuse`: nothing would, and the caller is told; `hide`: answered as if it did not exist.',
    ),
})
