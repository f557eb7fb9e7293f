/** Runs programs as people do: a process of its own, real sockets, everything that it prints kept. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** A test, or a whole file: `t`, or `{ after }` of node:test. */
export interface Scope {
  after(close: () => Promise<void>): void
}

export interface CommandOptions {
  /** Set besides PATH; nothing else of the environment is passed on. */
  readonly env?: Readonly<Record<string, string>>
  /** Words for Node itself, before the script. */
  readonly nodeOptions?: readonly string[]
  readonly node?: string
  /** The working folder. Default: that of the tests. */
  readonly cwd?: string
}

export interface ProgramOptions {
  /** Set besides PATH and HOME; nothing else of the environment is passed on. */
  readonly env?: Readonly<Record<string, string>>
  /** The working folder. */
  readonly cwd?: string
}

export interface Ended {
  /** `null` when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command itself, or any other program. */
export interface DoormanProcess {
  readonly pid: number
  readonly stdin: Writable
  /** All of it, from the start. */
  stdout(): string
  stderr(): string
  /** Resolves once both streams together have said this, so often; rejects when the process ends before. */
  printed(pattern: RegExp, times?: number): Promise<void>
  send(signal: 'SIGTERM' | 'SIGINT' | 'SIGUSR2' | 'SIGHUP'): void
  readonly ended: Promise<Ended>
  /** Asks it to end with SIGTERM, and waits. */
  stop(): Promise<Ended>
}

export interface Lab {
  makeFolder(): string
  start(words: readonly string[], options?: CommandOptions): DoormanProcess
  /** Runs another program; what it starts itself ends with it. */
  startProgram(command: readonly [string, ...string[]], options?: ProgramOptions): DoormanProcess
  /** Runs a command that ends by itself. */
  run(words: readonly string[], options?: CommandOptions, input?: string): Promise<Ended>
  /** Closed when the scope ends; the last one opened first. */
  keep(close: () => Promise<void> | void): void
}

export const doormanScript = fileURLToPath(new URL('../../packages/cli/bin/doorman.mjs', import.meta.url))
const patienceMilliseconds = 30_000

export function openLab(scope: Scope): Lab {
  const closers: (() => Promise<void> | void)[] = []
  scope.after(async () => {
    for (const close of closers.toReversed()) await close()
  })
  const lab: Lab = {
    makeFolder() {
      const folder = mkdtempSync(join(tmpdir(), 'doorman-'))
      closers.push(() => rmSync(folder, { recursive: true, force: true }))
      return folder
    },
    start(words, { nodeOptions = [], node = process.execPath, ...options } = {}) {
      const command = [node, ...nodeOptions, doormanScript, ...words] as const
      const running = startProcess(command, { ...options, detached: false })
      closers.push(async () => {
        const { stderr } = await running.kill()
        assert.doesNotMatch(stderr, /^ +at |Warning:|Unhandled/m, 'something broke inside')
      })
      return running
    },
    startProgram(command, { env, ...options } = {}) {
      const { HOME = '' } = process.env
      const running = startProcess(command, { ...options, env: { HOME, ...env }, detached: true })
      closers.push(() => void running.kill())
      return running
    },
    async run(words, options = {}, input = '') {
      const running = lab.start(words, options)
      running.stdin.end(input)
      return running.ended
    },
    keep: (close) => void closers.push(close),
  }
  return lab
}

function startProcess(
  command: readonly [string, ...string[]],
  { detached, env, ...options }: ProgramOptions & { readonly detached: boolean },
): DoormanProcess & { readonly kill: () => Promise<Ended> } {
  const [program, ...words] = command
  const child = spawn(program, words, {
    ...options,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached, // A group of its own, which can be ended with all that it has started.
  })
  let stdout = ''
  let stderr = ''
  let closed = false
  const listeners = new Set<() => void>()
  const heard = (): void => listeners.forEach((listener) => listener())
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    heard()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    heard()
  })
  // A process may end before it has read what it was given.
  child.stdin.on('error', () => undefined)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      closed = true
      resolve({ code, stdout, stderr })
      heard()
    })
  })

  function printed(pattern: RegExp, times = 1): Promise<void> {
    const each = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish('it took too long to say'), patienceMilliseconds)
      const finish = (problem?: string): void => {
        clearTimeout(timer)
        listeners.delete(look)
        if (problem === undefined) resolve()
        else reject(new Error(`${command.join(' ')}: ${problem} ${pattern}\n${stdout}${stderr}`))
      }
      const look = (): void => {
        if (((stdout + stderr).match(each)?.length ?? 0) >= times) finish()
        else if (closed) finish('it ended without saying')
      }
      listeners.add(look)
      look()
    })
  }

  return {
    pid: child.pid ?? 0,
    stdin: child.stdin,
    stdout: () => stdout,
    stderr: () => stderr,
    printed,
    send: (signal) => void child.kill(signal),
    ended,
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
    kill: () => {
      if (detached && child.pid !== undefined) killGroup(child.pid)
      else child.kill('SIGKILL')
      return ended
    },
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nothing of the group is left.
  }
}

/**
 * A port that nothing listens on. Below those that the system gives out by itself, so that no connection or server
 * of another test takes it meanwhile.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
