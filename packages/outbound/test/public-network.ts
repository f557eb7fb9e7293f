import { type LookupFunction, Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** A connection that a socket was about to open. */
export interface Attempt {
  readonly host: string
  /** What the socket was told to connect to. */
  readonly addresses: readonly string[]
}

interface ConnectOptions {
  host?: string
  lookup?: LookupFunction
}

/**
 * Stands in for the internet: sockets ask for their addresses as always, these are written down, and the connection
 * goes to 127.0.0.1 instead. So a test can use public addresses and stay on this machine.
 */
export function standInForTheInternet(t: TestContext): readonly Attempt[] {
  const attempts: Attempt[] = []
  const connect = Socket.prototype.connect
  t.mock.method(Socket.prototype, 'connect', function (this: Socket, ...given: unknown[]) {
    // node:net hands `connect` its arguments as one list whose first element is the options.
    const [options] = (Array.isArray(given[0]) ? given[0] : given) as [ConnectOptions]
    const { host = '', lookup } = options
    options.lookup = (name, lookupOptions, answer) => {
      if (lookup === undefined) throw new Error('A socket would have resolved a name by itself.')
      lookup(name, { ...lookupOptions, all: true }, (error, found) => {
        if (error !== null) return answer(error, [])
        // `all: true` was asked for, so it is a list.
        const addresses = (found as { readonly address: string }[]).map(({ address }) => address)
        attempts.push({ host, addresses })
        answer(null, [{ address: '127.0.0.1', family: 4 }])
      })
    }
    return Reflect.apply<Socket, unknown[], Socket>(connect as (...given: unknown[]) => Socket, this, given)
  })
  return attempts
}
