import { request } from 'node:http'
import { join } from 'node:path'

// What the address of a socket has room for, without its end.
const maxPathBytes = process.platform === 'linux' ? 107 : 103

/**
 * The socket of the server that uses this state folder.
 *
 * @throws {Error} when its path is too long for one
 */
export function adminSocketPath(state: string): string {
  const path = join(state, 'admin.sock')
  if (Buffer.byteLength(path) <= maxPathBytes) return path
  throw new Error(`${path} is too long a path for a socket. Name a state folder with a shorter one.`)
}

/** `undefined`: nobody listens there. */
export type AdminAnswer = { readonly status: number; readonly body: string } | undefined

const timeoutMilliseconds = 10_000

/**
 * Asks the server that uses a state folder something, through the socket in it. Opens no connection to any network.
 *
 * @throws {Error} when something listens and does not answer, or this account may not use the socket
 */
export async function askAdmin(
  state: string,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<AdminAnswer> {
  const socketPath = adminSocketPath(state)
  return new Promise((resolve, reject) => {
    const asked = request({
      socketPath,
      method,
      path,
      timeout: timeoutMilliseconds,
      ...(body !== undefined && { headers: { 'content-type': 'application/json' } }),
    })
    asked.on('timeout', () => asked.destroy(new Error(`The server of ${state} does not answer.`)))
    asked.on('error', (error) => {
      const code = 'code' in error ? error.code : undefined
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') resolve(undefined)
      else if (code === 'EACCES') reject(new Error(`This account may not use ${socketPath}.`))
      else reject(error)
    })
    asked.on('response', (response) => {
      response.toArray().then(
        // Without an encoding, the chunks of a response are buffers.
        (chunks) => {
          const text = Buffer.concat(chunks as Buffer[]).toString('utf8')
          resolve({ status: response.statusCode ?? 0, body: text })
        },
        reject,
      )
    })
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
