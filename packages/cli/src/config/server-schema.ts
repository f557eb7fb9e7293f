import * as z from 'zod'
import { duration, flag, secret, section, size, text, texts } from './fields.ts'
import { expectation, rule, scope } from './rule-schema.ts'

/** What every server has, whatever stands behind it. */
const everyServer = {
  path: text.describe(
    'Where it is served, below `publicUrl`. The two together are the resource that tokens are for.',
  ),
  title: text.max(200).optional().describe('What people see as its name. Default: the name in this file.'),
  plainForm: flag
    .optional()
    .describe(
      'Serve `GET tools/list` and `POST tools/call` beside the path, for programs that speak no MCP. Default: `true`.',
    ),
  scopes: z
    .record(z.string(), scope)
    .optional()
    .describe('Every scope that the rules ask for. Default: none; for `files:` its own three.'),
  challenge: z
    .array(text)
    .optional()
    .describe(
      'What a first login should ask for. Default: nothing is suggested; for `files:` `[files:list, files:read]`.',
    ),
  rules: z
    .array(rule)
    .max(1000)
    .optional()
    .describe(
      'Who may use what. The first rule that names an item is the only one judged; what none names is hidden. Default: none, so that everything is hidden; for `files:` a rule for each tool.',
    ),
  expect: z
    .array(expectation)
    .max(1000)
    .optional()
    .describe(
      'Cases that are tried whenever this file is read; one that comes out otherwise is a mistake. Default: none.',
    ),
}

const count = (most: number): z.ZodInt => z.int().min(1).max(most)

const limits = section({
  callTimeout: duration(1, 3600)
    .optional()
    .describe(
      'Longest time of one call, without what its client takes to answer; up to `1h`. Default: `60s`.',
    ),
  startTimeout: duration(1, 600)
    .optional()
    .describe(
      'How long a connection may take to begin, with the start of a program; up to `10m`. Default: `30s`.',
    ),
  idle: duration(1, 86_400)
    .optional()
    .describe('How long a connection may lie unused before it is ended; up to `1d`. Default: `10m`.'),
  inputTimeout: duration(1, 86_400)
    .optional()
    .describe('How long a call may wait for answers of its client; up to `1d`. Default: `10m`.'),
  maxMessage: size(1024, 256 * 1024 ** 2)
    .optional()
    .describe('Largest message that the server may send; `1KiB` to `256MiB`. Default: `8MiB`.'),
  maxConnections: count(100_000)
    .optional()
    .describe(
      'How many connections at once, so how many programs. While all are in use, new callers are told 503. Default: `32` programs, or `1000` sessions over HTTP.',
    ),
  maxRequestsPerConnection: count(10_000)
    .optional()
    .describe('How many requests of one connection may be under way. Default: `64`.'),
  maxWaitingCalls: count(100_000)
    .optional()
    .describe('How many calls may wait for answers of their clients. Default: `256`.'),
})

/** What every server has that is not in this process. */
const everyUpstream = {
  shared: flag
    .optional()
    .describe(
      'Let one connection, or one program, serve every caller. Only where the server keeps nothing of one caller for the next. Default: `false`, one for each.',
    ),
  sessions: flag
    .optional()
    .describe(
      'Serve clients of 2025 in sessions, in which the server can ask them something and tell them of changes; behind a balancer, one caller must then reach one process. Clients of 2026-07-28 need none. Default: `true`.',
    ),
  limits: limits.optional().describe('What the server may take of time and room.'),
}

/** A program that speaks MCP over its standard input and output. */
export const commandServer = section({
  ...everyServer,
  command: texts.describe(
    'The program and its arguments, as a list: no shell reads it. A program with a `/` in it, and words that begin with `./` or `../`, are paths from the folder of this file.',
  ),
  environment: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Variables of the program, besides `PATH`, `HOME`, `LANG` and the like; nothing else of ours is passed on. `env:NAME` and `file:PATH` are read at start. Default: none.',
    ),
  workingDirectory: text
    .optional()
    .describe('Where the program runs. Default: an empty folder for each process, removed when that ends.'),
  ...everyUpstream,
})

/** A server that speaks MCP over HTTP. */
export const urlServer = section({
  ...everyServer,
  url: text.describe(
    'The address of its MCP endpoint. Https, or http on loopback. Redirects are not followed.',
  ),
  bearer: secret
    .optional()
    .describe(
      "A token of ours for that server, as `env:NAME` or `file:PATH`. Default: none. Callers' tokens are never passed on.",
    ),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Further headers of each request to it; `env:NAME` and `file:PATH` are read at start. Default: none.',
    ),
  allowPlainHttp: flag
    .optional()
    .describe(
      'Speak plain http to an address that is not loopback: whoever is on the way can read and change everything. Default: `false`.',
    ),
  ...everyUpstream,
})

/** A directory, served by the tools of `doorman files`. */
export const filesServer = section({
  ...everyServer,
  files: text.describe('The directory. A relative path is looked for from the folder of this file.'),
  perUser: flag
    .optional()
    .describe('Give each user a folder of their own below the directory. Default: `false`.'),
  readOnly: flag.optional().describe('Offer no tool that writes. Default: `false`.'),
  deny: texts
    .optional()
    .describe('Hide what matches, and what is below it, from every tool: `.env`, `*.pem`. Default: nothing.'),
  quota: size(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'Most that the files of the directory, or of each user, may take, as `500MiB`. Default: no end.',
    ),
  quotaFiles: z
    .int()
    .min(1)
    .optional()
    .describe('Most files and directories that the directory, or each user, may have. Default: no end.'),
  skeleton: text
    .optional()
    .describe(
      "With `perUser`: a folder whose content new users' folders begin with. Default: they are empty.",
    ),
  allowWeakOpener: flag
    .optional()
    .describe('Serve other machines even where this system has no /proc. Default: `false`.'),
})
