import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** An HTTP response as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  /** Names in lower case; a name that came twice has its values joined by a line break. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A connection that sends exactly the bytes it is told to, and reads one answer after the other. */
export interface RawConnection {
  readonly socket: Socket
  readonly send: (bytes: string | Uint8Array) => void
  /** The next answer. Rejects when the connection ends before it is whole. */
  readonly answer: (toHead?: boolean) => Promise<RawAnswer>
  /** Resolves when the other side has closed the connection. */
  readonly closed: Promise<void>
  readonly destroy: () => void
}

export async function openConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  let arriving: Buffer[] = []
  let arrivingLength = 0
  let ended = false
  let wake: () => void = () => undefined
  socket.on('data', (chunk: Buffer) => {
    arriving.push(chunk)
    arrivingLength += chunk.length
    wake()
  })
  // A reset is an end like any other here; what came before it counts.
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      ended = true
      wake()
      resolve()
    })
  })

  /** All that has come, once there are at least so many bytes. */
  function gather(least: number): boolean {
    if (received.length + arrivingLength < least) return false
    received = Buffer.concat([received, ...arriving])
    arriving = []
    arrivingLength = 0
    return true
  }

  async function waitFor<T>(read: () => T | undefined): Promise<T> {
    for (;;) {
      const value = read()
      if (value !== undefined) return value
      if (ended) throw new Error(`The connection ended after: ${JSON.stringify(received.toString('latin1'))}`)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    closed,
    destroy: () => socket.destroy(),
    answer: async (toHead = false) => {
      const headEnd = await waitFor(() => {
        gather(0)
        return position(received.indexOf('\r\n\r\n'))
      })
      const [statusLine = '', ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n')
      received = received.subarray(headEnd + 4)
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
      const headers = readFields(lines)
      const withoutBody = toHead || status === 204 || status < 200
      const declared = headers['content-length']
      const length = await waitFor(() => {
        if (withoutBody) return 0
        // Only Node's own 417 is in chunks, and it has none but the last.
        if (headers['transfer-encoding'] === 'chunked') return gather(5) ? 5 : undefined
        // Node's own refusals have no length and end with the connection.
        if (declared === undefined) return ended && gather(0) ? received.length : undefined
        return gather(Number(declared)) ? Number(declared) : undefined
      })
      const body = received.subarray(0, length).toString('utf8')
      received = received.subarray(length)
      return { status, headers, body }
    },
  }
}

function position(index: number): number | undefined {
  return index === -1 ? undefined : index
}

function readFields(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}\n${value}`
  }
  return headers
}

/** A request to be written out. */
export interface RawRequest {
  /** Default: GET. */
  readonly method?: string
  /** The request target. Default: /mcp. */
  readonly target?: string
  /** A list of values sends the field several times; `undefined` leaves it out. `Host` is right unless given. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Its length is declared unless a header says otherwise. */
  readonly body?: string | Uint8Array
}

export function formatRequest(port: number, request: RawRequest): Buffer {
  const { method = 'GET', target = '/mcp', body } = request
  const declared = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const headers = { Host: `127.0.0.1:${port}`, ...declared, ...request.headers }
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((single) => `${name}: ${single}\r\n`),
  )
  return Buffer.concat([
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'),
    Buffer.from(body ?? ''),
  ])
}

/** Sends one request on a connection of its own, and reads its answer. */
export async function ask(port: number, request: RawRequest): Promise<RawAnswer> {
  const connection = await openConnection(port)
  connection.send(formatRequest(port, request))
  try {
    return await connection.answer(request.method === 'HEAD')
  } finally {
    connection.destroy()
  }
}
