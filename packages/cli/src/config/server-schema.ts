import * as z from 'zod'
import { flag, secret, section, size, text, texts } from './fields.ts'
import { expectation, rule, scope } from './rule-schema.ts'

/** What every server has, whatever stands behind it. */
const everyServer = {
  path: text.describe(
    'Where it is served, below `publicUrl`. The two together are the resource that tokens are for.',
  ),
  title: text.max(200).optional().describe('What people see as its name. Default: the name in this file.'),
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
    .describe('Cases that are tried whenever this file is read; one that comes out otherwise is a mistake.'),
}

/** A program that speaks MCP over its standard input and output. */
export const commandServer = section({
  ...everyServer,
  command: texts.describe(
    'The program and its arguments, as a list: no shell reads it. A program with a `/` in it is looked for from the folder of this file.',
  ),
  environment: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Variables of the program, besides PATH and the few that programs cannot do without; nothing else of ours is passed on. `env:NAME` and `file:PATH` are read when the program starts.',
    ),
  workingDirectory: text
    .optional()
    .describe('Where the program runs. Default: a folder of its own that is empty.'),
  shared: flag
    .optional()
    .describe(
      'Let one process serve every caller. Only for programs that keep nothing of one caller for the next. Default: `false`, one process for each.',
    ),
})

/** A server that speaks MCP over HTTP. */
export const urlServer = section({
  ...everyServer,
  url: text.describe('The address of its MCP endpoint. Https, or http on loopback.'),
  bearer: secret
    .optional()
    .describe(
      "A token of ours for that server, as `env:NAME` or `file:PATH`. Default: none. Callers' tokens are never passed on.",
    ),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .describe('Further headers of each request to it; `env:NAME` and `file:PATH` are read at start.'),
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
  quota: size
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
