import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { readLines } from '@mcp-doorman/mcp-endpoint'
import { UpstreamFailure } from '../failure.ts'
import type { StdioSettings } from '../options.ts'

export type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** A process of an upstream, with everything that it has begun. */
export interface StartedChild {
  readonly child: Child
  readonly pid: number
  /** Resolves when the process and its group are gone, its folder too, and what it said last has been told. */
  readonly gone: Promise<void>
  /** Asks it to end, by the end of its input and then by signals, and has it ended if it does not. */
  readonly stop: () => Promise<void>
}

/** What a program needs to find itself on its machine; none of it is the gateway's own matter. */
const handedOn =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TERM|TMPDIR|TEMP|TMP|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|APPDATA|LOCALAPPDATA|PROGRAMFILES|PROGRAMDATA|USERPROFILE|HOMEDRIVE|HOMEPATH|PROCESSOR_ARCHITECTURE)$/i
const patienceMilliseconds = 2000
const graceMilliseconds = 500
const mostLooks = 4

// The groups that are there. Whatever ends the gateway, short of SIGKILL, leaves none of them behind.
const groups = new Set<() => void>()

function endAllGroups(): void {
  for (const end of groups) end()
}

/**
 * Starts a process of its own group, in a folder of its own, with an environment of its own (requirement H23).
 *
 * @throws {UpstreamFailure} (as a rejection) when there is no such program
 */
export async function startChild(settings: StdioSettings): Promise<StartedChild> {
  const { command, workingDirectory, environment, onEvent } = settings
  const [program, ...words] = command
  const folder = workingDirectory === undefined ? mkdtempSync(join(tmpdir(), 'doorman-')) : undefined
  const removeFolder = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
  const safe = Object.entries(process.env).filter(([name]) => handedOn.test(name))
  const posix = process.platform !== 'win32'
  const child = spawn(program, words, {
    cwd: workingDirectory ?? folder,
    env: { ...Object.fromEntries(safe), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: posix, // So that it leads a group, which can be ended as a whole.
    windowsHide: true,
  })
  child.stdin.on('error', () => undefined) // That it does not read any more is seen by its end.
  try {
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  } catch (error) {
    removeFolder()
    throw new UpstreamFailure('unreachable', `The program could not be started: ${String(error)}`)
  }
  child.on('error', () => undefined) // What happens after the start ends in an exit.
  const { pid } = child
  // Never: it has started. But a signal to the group 0 would be one to ourselves.
  if (pid === undefined) throw new UpstreamFailure('unreachable', 'The program has no process.')
  onEvent({ kind: 'started', pid })
  let stopping = false

  const killGroup = (signal: NodeJS.Signals): void => {
    try {
      if (posix) process.kill(-pid, signal)
      else child.kill(signal)
    } catch {
      // Nobody of the group is left.
    }
  }
  const endGroup = (): void => killGroup('SIGKILL')
  groups.add(endGroup)
  if (groups.size === 1) process.on('exit', endAllGroups)
  const told = reportErrors(child, pid, settings)
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      // Whatever it has started must not outlive it.
      endGroup()
      groups.delete(endGroup)
      if (groups.size === 0) process.removeListener('exit', endAllGroups)
      child.stdin.destroy()
      for (const output of [child.stdout, child.stderr]) closeWhenQuiet(output)
      onEvent({ kind: 'exited', pid, code, signal, expected: stopping })
    })
    child.once('close', () => {
      removeFolder()
      void told.then(resolve)
    })
  })

  async function stop(): Promise<void> {
    stopping = true
    child.stdin.end()
    const timers = [
      setTimeout(() => killGroup('SIGTERM'), patienceMilliseconds),
      setTimeout(() => killGroup('SIGKILL'), 2 * patienceMilliseconds),
    ]
    await gone
    for (const timer of timers) clearTimeout(timer)
  }

  return { child, pid, gone, stop }
}

/**
 * What a process has written before its end is read; whoever has left its group and holds its output is not waited for,
 * nor listened to for long when it writes on.
 */
function closeWhenQuiet(output: Readable, looks = mostLooks): void {
  const { bytesRead: before } = output as Socket // The pipes of a child are sockets.
  // The system is asked once more for what waits there before it is looked at.
  setTimeout(() => setImmediate(look), graceMilliseconds).unref()
  function look(): void {
    const { bytesRead } = output as Socket // As above.
    const isQuiet = bytesRead === before && output.readableLength === 0
    if (isQuiet || looks <= 1) output.destroy()
    else if (!output.destroyed) closeWhenQuiet(output, looks - 1)
  }
}

const mostErrorBytes = 8192
const mostErrorLines = 200
const perSeconds = 10
// oxlint-disable-next-line no-control-regex -- they could move the cursor of whoever reads the log
const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

/** Reads all that it writes to its standard error, so that it never waits for a reader, and tells the first of it. */
async function reportErrors({ stderr }: Child, pid: number, { onEvent }: StdioSettings): Promise<void> {
  let left = mostErrorLines
  let from = performance.now()
  try {
    for await (const line of readLines(stderr, mostErrorBytes)) {
      if (performance.now() - from > perSeconds * 1000) {
        left = mostErrorLines
        from = performance.now()
      }
      left -= 1
      if (left < 0) continue
      const text = line.kind === 'line' ? line.text.replace(control, '�') : '(a line that is too long)'
      onEvent({
        kind: 'stderr',
        pid,
        text: left === 0 ? 'It writes too much, which is left out for a while.' : text,
      })
    }
  } catch {
    // It was destroyed with its process.
  }
}
