import { fork } from 'node:child_process'
import { once } from 'node:events'

type Reply = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string }

/** A process of ours that answers one question at a time. */
export interface Child<Question extends object, Answer> {
  readonly pid: number | undefined
  /** Rejects when the child fails to answer, ends, or takes longer than the time given. */
  readonly ask: (question: Question, timeoutSeconds: number) => Promise<Answer>
  /** Ends the process: by leaving it, and by its pid if it stays. */
  readonly end: () => Promise<void>
}

/** Starts a file of this folder, which must call {@link answerParent}. */
export function startChild<Question extends object, Answer>(
  file: string,
  execArgv: readonly string[] = [],
): Child<Question, Answer> {
  const child = fork(new URL(file, import.meta.url), {
    execArgv: [...execArgv],
    serialization: 'advanced', // Requests travel as bytes.
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')

  async function ask(question: Question, timeoutSeconds: number): Promise<Answer> {
    const stop = new AbortController()
    const reply = once(child, 'message', { signal: stop.signal })
    const late = new Promise<never>((_, reject) => {
      const fail = (): void => reject(new Error(`${file} gave no answer in ${timeoutSeconds} s`))
      const timer = setTimeout(fail, timeoutSeconds * 1000)
      stop.signal.addEventListener('abort', () => clearTimeout(timer))
    })
    const gone = exited.then(([code, signal]) => {
      throw new Error(`${file} ended with ${signal ?? code}`)
    })
    // Those that lose the race are stopped below, and have nobody to tell.
    for (const loser of [reply, late, gone]) loser.catch(() => undefined)
    try {
      child.send(question)
      // answerParent sends nothing else.
      const [message] = (await Promise.race([reply, late, gone])) as [Reply]
      if (!message.ok) throw new Error(`${file}: ${message.reason}`)
      return message.value as Answer // The file is named beside its types where the child is started.
    } finally {
      stop.abort()
    }
  }

  async function end(): Promise<void> {
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
    await exited
    clearTimeout(timer)
  }

  return { pid: child.pid, ask, end }
}

/** The other end of {@link startChild}. The process ends with its parent. */
export function answerParent(answer: (question: never) => unknown): void {
  process.on('message', (question) => {
    // Only startChild talks to this process, with questions of the type that stands beside the file's name.
    void respond(() => answer(question as never))
  })
  process.once('disconnect', () => process.exit())
}

async function respond(answer: () => unknown): Promise<void> {
  const send = (reply: Reply): void => void process.send?.(reply)
  try {
    send({ ok: true, value: await answer() })
  } catch (error) {
    send({ ok: false, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}
