import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Json } from './messages.ts'

/** The stdio server of `programs/` in a process of its own. */
export interface StdioProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Writes a message and its line end. */
  readonly send: (message: unknown) => void
  /** The messages on standard output, as soon as there are so many. Fails on a line that is not JSON-RPC. */
  readonly received: (count: number) => Promise<readonly Json[]>
  /** Resolves when standard error has this text. */
  readonly said: (text: string) => Promise<void>
  readonly errors: () => string
  /** The exit code, when the process has ended. */
  readonly exit: Promise<number | null>
}

export function startStdio(t: TestContext, ...args: string[]): StdioProcess {
  const program = fileURLToPath(new URL('programs/stdio-server.ts', import.meta.url))
  const child = spawn(process.execPath, [program, ...args])
  const changed = new EventEmitter()
  let output = ''
  let errors = ''
  let ended = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
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
    await exit
  })

  async function until(done: () => boolean): Promise<void> {
    while (!done()) {
      assert.equal(ended, false, `The process has ended after: ${output}\n${errors}`)
      await once(changed, 'change')
    }
  }

  function messages(): readonly Json[] {
    const lines = output.split('\n')
    assert.ok(!ended || lines.at(-1) === '', 'the last line is whole')
    return lines.slice(0, -1).flatMap((line) => {
      const value: unknown = JSON.parse(line)
      // Each is checked to be an object with the version of JSON-RPC just below.
      const all = [value].flat() as Json[]
      for (const message of all) assert.equal(message['jsonrpc'], '2.0', line)
      return all
    })
  }

  return {
    stdin: child.stdin,
    stdout: child.stdout,
    send: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    received: async (count) => {
      await until(() => messages().length >= count)
      return messages()
    },
    said: (text) => until(() => errors.includes(text)),
    errors: () => errors,
    exit,
  }
}
