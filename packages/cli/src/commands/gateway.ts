import { isDeepStrictEqual } from 'node:util'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { lookAround } from '../config/check-surroundings.ts'
import type { Behind, Configuration } from '../config/configuration.ts'
import { loadConfiguration } from '../config/load-configuration.ts'
import type { Problem } from '../config/problems.ts'
import { messageOf } from '../failure.ts'
import { startGateway, type GatewayChanges } from '../gateway/gateway-service.ts'
import { partsOfConfiguration } from '../gateway/parts-of-configuration.ts'
import { createReloader, type ReloadReason } from '../gateway/reload.ts'
import type { ServerParts } from '../gateway/server-parts.ts'
import { watchFile } from '../gateway/watch-file.ts'
import { describeListening, tellOfMissingKeys } from '../listening.ts'
import { shared } from '../option-table.ts'
import { closeAll, waitForSignal } from '../shutdown.ts'

export function addGatewayCommand(program: Command): void {
  program
    .command('gateway')
    .description('put servers of any kind behind one gate, as a file says')
    .addOption(shared.config())
    .addHelpText('after', examples)
    .action(runGateway)
}

const examples = `
The file is read anew when it changes, and on SIGHUP with the secrets that it names: all of it is built before
anything is swapped, and a file with a mistake changes nothing. "doorman config" writes, checks and explains it.

Examples:
  doorman gateway --config /etc/doorman/doorman.yaml
  kill -HUP "$(pidof doorman)"`

interface Loaded {
  readonly text: string
  readonly configuration: Configuration
  readonly servers: readonly ServerParts[]
}

async function runGateway({ config: file }: { readonly config: string }): Promise<void> {
  const signal = waitForSignal()
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const note = (line: string): void => void process.stderr.write(`${line}\n`)
  let loaded = load(file)
  const { configuration } = loaded
  const { listen, state, audit } = configuration

  const reloader = createReloader({
    say: note,
    load: async (reason) => {
      const next = load(file, configuration)
      if (reason === 'change' && next.text === loaded.text) return undefined
      const running = await started
      const changes = await running.apply(next.servers)
      loaded = next
      void tellOfMissingKeys(running.ready)
      return describeChanges(file, changes)
    },
  })
  const reload = (reason: ReloadReason): void => void reloader.reload(reason)
  process.on('SIGHUP', () => reload('signal')) // From the beginning, since otherwise it ends the process.
  const started = startGateway({
    host: listen.host,
    port: listen.port,
    portOption: 'listen.port of the configuration',
    allowedHosts: listen.allowedHosts,
    allowedOrigins: listen.allowedOrigins,
    state,
    auditFile: audit,
    private: [{ path: resolve(file), name: 'The configuration' }],
    servers: loaded.servers,
    say: note,
    status: () => ({ config_file: resolve(file), ...reloader.state() }),
  })
  const service = await started
  for (const server of configuration.servers) {
    say(`${server.name} is at ${server.resource}: ${describeBehind(server.behind)}.`)
  }
  const names = configuration.issuers.map((issuer) => ('casdoor' in issuer ? issuer.casdoor : issuer.issuer))
  say(`Tokens are taken from ${names.join(', ')}.`)
  describeListening(listen.host, service.port).forEach(say)
  void tellOfMissingKeys(service.ready)

  const unwatch = watchConfiguration(file, () => reload('change'), note)
  await signal
  unwatch()
  await closeAll([service.close])
}

/**
 * Reads everything that a configuration says, secrets included.
 *
 * @param running - what cannot be changed any more
 * @throws {Error} with all that is wrong, line by line
 */
function load(file: string, running?: Configuration): Loaded {
  const read = loadConfiguration(file)
  if (!read.ok) throw mistakesIn(file, read.problems, read.count)
  const { configuration, locate, text } = read
  const around = lookAround(configuration, file)
  const { secrets } = around
  const problems = [
    ...secrets.problems,
    ...around.problems,
    ...(running === undefined ? [] : fixedProblems(running, configuration)),
  ]
  if (problems.length > 0) throw mistakesIn(file, locate(problems), problems.length)
  return { text, configuration, servers: partsOfConfiguration(configuration, secrets) }
}

function mistakesIn(file: string, lines: string, count: number): Error {
  return new Error(`${file} cannot be used:\n${lines}${count === 1 ? '1 problem' : `${count} problems`}.`)
}

/** What is settled when the server starts to listen. */
const fixed = ['listen', 'state', 'audit'] as const

function fixedProblems(running: Configuration, next: Configuration): readonly Problem[] {
  const message = 'cannot be changed while this runs. Start it again, or change it back.'
  return [
    ...(running.origin === next.origin ? [] : [{ path: ['publicUrl'], message }]),
    ...fixed
      .filter((name) => !isDeepStrictEqual(running[name], next[name]))
      .map((name) => ({ path: [name], message })),
  ]
}

function watchConfiguration(file: string, onChange: () => void, note: (line: string) => void): () => void {
  const failed = (error: unknown): void =>
    note(`${file} cannot be watched (${messageOf(error)}): send SIGHUP after a change.`)
  try {
    return watchFile(file, onChange, failed)
  } catch (error) {
    failed(error)
    return () => undefined
  }
}

function describeBehind(behind: Behind): string {
  switch (behind.kind) {
    case 'command':
      return `${behind.command[0]}, ${behind.shared === true ? 'one process for all' : 'a process for each caller'}`
    case 'url':
      return behind.url
    case 'files':
      return `${behind.files}${behind.perUser === true ? ', a folder for each user' : ''}${behind.readOnly === true ? ', read-only' : ''}`
  }
}

function describeChanges(file: string, { added, changed, removed }: GatewayChanges): string {
  const parts = [
    [added, 'is new', 'are new'],
    [changed, 'has changed', 'have changed'],
    [removed, 'is gone', 'are gone'],
  ] as const
  const told = parts.flatMap(([names, one, many]) =>
    names.length === 0 ? [] : [`${names.join(', ')} ${names.length === 1 ? one : many}`],
  )
  return `${file} was read anew: ${told.length === 0 ? 'nothing differs' : told.join('; ')}.`
}
