import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A socket that listens, and whose answers may be given later. */
export interface Listener {
  readonly port: number
  /** Answers from now on; before, whoever asks is told to come back. */
  answer(listener: RequestListener): void
  /** Ends every connection, also those in the middle of an answer, and resolves when the port is free. */
  close(): Promise<void>
}

/** @throws {Error} that says what to do, when the address cannot be listened on */
export async function openListener(host: string, port: number): Promise<Listener> {
  let listener: RequestListener = (_request, response) => {
    response.writeHead(503, { 'retry-after': '1' }).end() // The port is known before the issuer is ready.
  }
  const timeLimits = { requestTimeout: 20_000, headersTimeout: 10_000, connectionsCheckingInterval: 2000 }
  const server = createServer(timeLimits, (request, response) => listener(request, response))
  server.maxConnections = 1000
  const boundPort = await listen(server, host, port)
  return {
    port: boundPort,
    answer(given) {
      listener = given
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListenError(error, host, port)))
    server.listen(port, host, () => {
      // A server that listens on a TCP port has such an address.
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function explainListenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new Error(
      `Port ${port} on ${host} is taken by another program. Stop it, or choose another port (0 takes any free one).`,
      { cause: error },
    )
  }
  if (error.code === 'EACCES') {
    return new Error(`Port ${port} needs more rights than this process has. Choose a port above 1023.`, {
      cause: error,
    })
  }
  return new Error(`Cannot listen on ${host} port ${port}: ${error.code ?? error.message}.`, { cause: error })
}
