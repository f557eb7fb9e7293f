/** The load: a process of its own, one request in flight for each connection, over loopback only. */
import { connect } from 'node:net'
import { parseAnswer } from './answer.ts'
import { answerParent } from './child.ts'

export interface LoadOrder {
  readonly port: number
  /** Sent in turn, over all connections together. */
  readonly requests: readonly Uint8Array[]
  /** The right answer to each of them, byte for byte. */
  readonly expectedBody: Uint8Array
  readonly connections: number
  readonly seconds: number
  /** Sends no more than this, whatever the time. */
  readonly maxRequests: number
}

export interface LoadResult {
  readonly answered: number
  /** Answers that were not 2xx or not the right one, and connections that broke. */
  readonly failed: number
  readonly firstFailure: string | undefined
  readonly seconds: number
  readonly p50Micros: number
  readonly p99Micros: number
  /** How much of one core the load itself used, 0 to 1. Near 1 the load is what limits. */
  readonly busy: number
}

/** How long the last answers may take after the time is over. */
const graceMilliseconds = 3000
const maxTimed = 2_000_000

if (process.send !== undefined) answerParent(runLoad)

async function runLoad(order: LoadOrder): Promise<LoadResult> {
  const { port, seconds, connections, maxRequests } = order
  const requests = order.requests.map(asBuffer)
  const expectedBody = asBuffer(order.expectedBody)
  const times = new Float64Array(Math.min(maxRequests, maxTimed))
  let sent = 0
  let answered = 0
  let failed = 0
  let firstFailure: string | undefined
  let lastAnswerAt = 0

  const fail = (reason: string): void => {
    failed += 1
    firstFailure ??= reason
  }
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  const endsAt = began + seconds * 1000

  function runConnection(): Promise<void> {
    return new Promise((resolve) => {
      let pending = Buffer.alloc(0)
      let sentAt = 0
      let waiting = false
      const timer = setTimeout(() => stop('no answer in time'), seconds * 1000 + graceMilliseconds)
      const socket = connect({
        port,
        host: '127.0.0.1',
        noDelay: true,
        onread: {
          buffer: Buffer.allocUnsafe(65_536),
          callback: (length, buffer) => {
            // The buffer is used again for the next read, so that what is kept of it must be copied.
            read(asBuffer(buffer).subarray(0, length))
            return true
          },
        },
      })
      socket.once('connect', send)
      socket.once('error', (error) => stop(error.message))
      socket.once('close', () => stop('the server closed the connection'))

      function send(): void {
        const request = requests[sent % requests.length]
        sentAt = performance.now()
        if (request === undefined || sent >= maxRequests || sentAt >= endsAt) {
          stop(undefined)
          return
        }
        sent += 1
        waiting = true
        socket.write(request)
      }

      function read(bytes: Buffer): void {
        const received = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
        const parsed = parseAnswer(received)
        if (parsed.kind === 'incomplete') {
          pending = Buffer.from(received)
          return
        }
        if (parsed.kind === 'malformed' || !waiting || parsed.length !== received.length) {
          stop(parsed.kind === 'malformed' ? parsed.reason : 'bytes that nobody asked for')
          return
        }
        pending = Buffer.alloc(0)
        waiting = false
        lastAnswerAt = performance.now()
        if (parsed.status < 200 || parsed.status > 299) fail(`status ${parsed.status}`)
        else if (!parsed.body.equals(expectedBody)) fail('another body than the proven one')
        if (answered < times.length) times[answered] = lastAnswerAt - sentAt
        answered += 1
        send()
      }

      let stopped = false
      function stop(failure: string | undefined): void {
        if (stopped) return
        stopped = true
        if (failure !== undefined) fail(failure)
        clearTimeout(timer)
        socket.destroy()
        resolve()
      }
    })
  }

  await Promise.all(Array.from({ length: connections }, runConnection))
  const took = Math.max(lastAnswerAt - began, 1)
  const cpu = process.cpuUsage(cpuBefore)
  const sorted = times.subarray(0, Math.min(answered, times.length)).sort()
  const quantile = (share: number): number => (sorted[Math.floor(sorted.length * share)] ?? 0) * 1000
  return {
    answered,
    failed,
    firstFailure,
    seconds: took / 1000,
    p50Micros: quantile(0.5),
    p99Micros: quantile(0.99),
    busy: (cpu.user + cpu.system) / 1000 / took,
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
