import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Json } from './messages.ts'

/** A stdio server of `programs/` in a process of its own. */
export interface StdioProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Writes a message and its line end. */
  readonly send: (message: unknown) => void
  /** The messages on standard output, as soon as there are so many. Fails on a line that is not JSON-RPC. */
  readonly received: (count: number) => Promise<readonly Json[]>
  /** The first message on standard output that is so. */
  readonly found: (matches: (message: Json) => boolean) => Promise<Json>
  /** Everything on standard output so far, split at line ends; the last piece is empty when the last line is whole. */
  readonly lines: () => readonly string[]
  /** Resolves when standard error has this text so many times. */
  readonly said: (text: string, times?: number) => Promise<void>
  readonly errors: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  /** The exit code, when the process has ended; `null` when a signal has killed it. */
  readonly exit: Promise<number | null>
}

/** Starts the server of a few tools. */
export function startStdio(t: TestContext, ...args: string[]): StdioProcess {
  return startProgram(t, 'stdio-server.ts', ...args)
}

export function startProgram(t: TestContext, name: string, ...args: string[]): StdioProcess {
  const program = fileURLToPath(new URL(`programs/${name}`, import.meta.url))
  const child = spawn(process.execPath, [program, ...args])
  const changed = new EventEmitter()
  const lines: string[] = []
  let unfinished = ''
  let errors = ''
  let ended = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const [first = '', ...others] = text.split('\n')
    unfinished += first
    for (const piece of others) {
      lines.push(unfinished)
      unfinished = piece
    }
    changed.emit('change')
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
    changed.emit('change')
  })
  child.stdin.on('error', () => undefined)
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      ended = true
      changed.emit('change')
      resolve(code)
    })
  })
  t.after(async () => {
    child.kill('SIGKILL')
    child.stdout.resume()
    await exit
  })

  async function until(done: () => boolean): Promise<void> {
    while (!done()) {
      assert.equal(ended, false, `The process has ended after: ${lines.slice(-9).join('\n')}\n${errors}`)
      await once(changed, 'change')
    }
  }

  const read: Json[] = []
  let linesRead = 0
  function messages(): readonly Json[] {
    assert.ok(!ended || unfinished === '', 'the last line is whole')
    for (const line of lines.slice(linesRead)) {
      const value: unknown = JSON.parse(line)
      // Each is checked to be an object with the version of JSON-RPC just below.
      const all = [value].flat() as Json[]
      for (const message of all) assert.equal(message['jsonrpc'], '2.0', line)
      read.push(...all)
    }
    linesRead = lines.length
    return read
  }

  return {
    stdin: child.stdin,
    stdout: child.stdout,
    send: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    received: async (count) => {
      await until(() => messages().length >= count)
      return [...messages()]
    },
    found: async (matches) => {
      await until(() => messages().some(matches))
      const message = messages().find(matches)
      assert.ok(message !== undefined)
      return message
    },
    lines: () => [...lines, unfinished],
    said: (text, times = 1) => until(() => errors.split(text).length > times),
    errors: () => errors,
    kill: (signal) => void child.kill(signal),
    exit,
  }
}
