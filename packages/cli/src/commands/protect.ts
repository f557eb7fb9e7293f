import { InvalidArgumentError, Option, type Command } from 'commander'
import type { UpstreamOptions } from '@mcp-doorman/gateway'
import type { Rate, ResourceServerOptions } from '@mcp-doorman/resource-server'
import { present } from '../config/present.ts'
import { findUnreached } from '../config/unreached-rules.ts'
import { UsageError } from '../failure.ts'
import { writeDraft } from '../gateway/draft-file.ts'
import { startGateway } from '../gateway/gateway-service.ts'
import {
  explainUpstreamMistake,
  readUpstream,
  type Protected,
  type UpstreamChoice,
} from '../gateway/protected-upstream.ts'
import { addIssuerOptions, describeIssuers, readIssuers, type IssuerChoice } from '../issuer-choice.ts'
import { describeListening, tellOfMissingKeys } from '../listening.ts'
import { collect, shared } from '../option-table.ts'
import { settlePublicUrl } from '../public-url.ts'
import { closeAll, waitForSignal } from '../shutdown.ts'
import { readDpop, tokenCheckOptions, withIntrospection, type TokenCheckOptions } from '../token-checks.ts'

interface ProtectOptions extends UpstreamChoice, IssuerChoice, TokenCheckOptions {
  readonly host: string
  readonly port: number
  readonly publicUrl?: string
  readonly scope: readonly Scoped[]
  readonly challenge: readonly string[]
  readonly draft: string
  readonly audit?: string
  readonly state?: string
  readonly limit: Rate | 'off'
}

/** A tool, or a pattern of tools, and the scope that it needs. */
interface Scoped {
  readonly tool: string
  readonly scope: string
}

export function addProtectCommand(program: Command): void {
  const command = program
    .command('protect')
    .description('put one server behind the gate: a program, or with --http an address')
    .argument('[command...]', 'the program and its arguments, after --')
    .addOption(new Option('--http <url>', 'protect the MCP server at this address instead of a program'))
    .addOption(
      new Option('--scope <tool=scope>', 'what a tool needs; "*" is any run of characters; may be repeated')
        .default([], 'none, which writes a draft instead')
        .argParser(readScoped),
    )
    .addOption(
      new Option('--challenge <scope>', 'what a first login should ask for; may be repeated')
        .default([], 'nothing')
        .argParser(collect),
    )
    .addOption(new Option('--name <name>', 'what clients and records call it (default: after the command)'))
    .addOption(
      new Option(
        '--shared',
        'let one process or connection serve all, where it keeps nothing of anybody',
      ).default(false),
    )
    .addOption(
      new Option('--env <name>', 'hand this variable of ours on to the program; may be repeated')
        .default([], 'PATH, HOME, LANG and the like')
        .argParser(collect),
    )
    .addOption(
      new Option(
        '--working-directory <folder>',
        'where the program runs (default: an empty folder for each process)',
      ),
    )
    .addOption(new Option('--bearer <secret>', 'with --http: our token for it, as env:NAME or file:PATH'))
    .addOption(
      new Option(
        '--allow-plain-http',
        'with --http: speak plain http also beyond loopback, where others can read and change it',
      ).default(false),
    )
    .addOption(
      new Option('--draft <file>', 'where a draft is written without any --scope').default('doorman.yaml'),
    )
    .addOption(shared.host())
    .addOption(shared.port())
    .addOption(shared.publicUrl())
  addIssuerOptions(command)
    .addOption(shared.audit())
    .addOption(shared.limit())
    .addOption(
      new Option(
        '--state <folder>',
        'keep revocations in this folder (mode 0700), and take them there from "doorman revoke" (default: none)',
      ),
    )
    .addHelpText('after', examples)
  for (const option of tokenCheckOptions()) command.addOption(option)
  command.action(async (words: readonly string[], options: ProtectOptions) => {
    const upstream = readUpstream(words, options)
    await (options.scope.length === 0 ? writeDraft(upstream, options, alternative) : run(upstream, options))
  })
}

const examples = `
Tools that no --scope names, resources and prompts do not exist for anybody. Without any --scope the server is
started once, asked for its tools, and a draft of a doorman.yaml is written, to be read and run by "doorman gateway".

Examples:
  doorman protect --issuer https://issuer.example.com -- npx -y @modelcontextprotocol/server-everything
  doorman protect --issuer https://issuer.example.com --scope echo=tools:use --scope "get-*=tools:read" -- python3 ./server.py
  doorman protect --issuer https://issuer.example.com --scope "*=notes:use" --http http://127.0.0.1:3000/mcp`

function readScoped(value: string, previous: readonly Scoped[]): readonly Scoped[] {
  const at = value.lastIndexOf('=')
  const [tool, scope] = [value.slice(0, at), value.slice(at + 1)]
  if (at < 1 || scope === '') {
    throw new InvalidArgumentError('Write it as TOOL=SCOPE, such as read_note=notes:read.')
  }
  return [...previous, { tool, scope }]
}

async function run({ name, options: upstream }: Protected, options: ProtectOptions): Promise<void> {
  const { host, port, limit, challenge } = options
  const signal = waitForSignal('SIGHUP') // Its terminal went, and what it has started must go with it.
  const issuers = withIntrospection(readIssuers(options, alternative), options)
  const { resource, notice } = settlePublicUrl(options.publicUrl, host, port)
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  const service = await startGateway({
    host,
    port,
    portOption: '--port',
    allowedHosts: [],
    allowedOrigins: [],
    state: options.state,
    auditFile: options.audit,
    private: [],
    servers: [
      {
        name,
        title: name,
        access: {
          ...accessOf(options.scope, challenge),
          resource,
          resourceName: name,
          issuers,
          callerLimit: limit,
          ...present({ dpop: readDpop(options) }),
        },
        accessKey: '',
        behind: { kind: 'upstream', options: upstream, sessions: true },
        behindKey: '',
        plainForm: true,
      },
    ],
    say: (line) => void process.stderr.write(`${line}\n`),
  }).catch((error: unknown) => {
    // What options of ours cannot be is said by whoever takes them.
    throw explainUpstreamMistake(error)
  })
  if (notice !== undefined) say(notice)
  say(`${resource} protects ${describeUpstream(upstream)}.`)
  describeIssuers(issuers, options).forEach(say)
  describeListening(host, service.port).forEach(say)
  void tellOfMissingKeys(service.ready)
  await signal
  await closeAll([service.close])
}

const alternative = 'start "doorman dev" in another terminal and add --issuer http://127.0.0.1:8081'

function describeUpstream(upstream: UpstreamOptions): string {
  if ('url' in upstream) return upstream.url
  return `${upstream.command.join(' ')}, ${upstream.shared === true ? 'one process for all' : 'a process for each caller'}`
}

/** A tool that is named several times needs all of its scopes. */
function accessOf(
  scoped: readonly Scoped[],
  challenge: readonly string[],
): Pick<ResourceServerOptions, 'scopes' | 'rules' | 'challengeScopes'> {
  const scopesOf = new Map<string, string[]>()
  for (const { tool, scope } of scoped) scopesOf.set(tool, [...(scopesOf.get(tool) ?? []), scope])
  const scopes = Object.fromEntries(scoped.map(({ scope }) => [scope, {}]))
  const stray = challenge.find((scope) => !Object.hasOwn(scopes, scope))
  if (stray !== undefined) {
    throw new UsageError(`--challenge ${stray}: no --scope asks for it. Correct the name, or remove it.`)
  }
  const rules = [...scopesOf].map(([tool, needed]) => ({
    id: tool,
    tools: [tool],
    require: { scopes: needed },
  }))
  const [unreached] = findUnreached(rules)
  if (unreached !== undefined) {
    const [one, first] = [rules[unreached.index], rules[unreached.by]].map((rule) => rule?.id ?? '')
    throw new UsageError(
      `--scope ${one}=… has no effect: --scope ${first}=… names it first, and only the first that does is judged. Name it before that one, or remove it.`,
    )
  }
  return { scopes, challengeScopes: challenge, rules }
}
