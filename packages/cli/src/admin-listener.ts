import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { rmSync } from 'node:fs'
import type { ResourceServer, RevocationWish } from '@mcp-doorman/resource-server'
import { createStateFolder } from '@mcp-doorman/authorization-server'
import { adminSocketPath, askAdmin } from './admin-client.ts'
import { messageOf } from './failure.ts'

export type Administered = Pick<ResourceServer, 'revoke' | 'revocations'>

/** How a server is doing, for its operator. Nothing secret is in it. */
export type Status = () => Readonly<Record<string, unknown>>

/** Takes the operator's commands for a server that runs. */
export interface AdminListener {
  /**
   * Until it is called, commands are answered 503.
   *
   * @param status - what `doorman status` is told; without it there is none
   */
  readonly serve: (server: Administered, status?: Status) => void
  readonly close: () => Promise<void>
}

const maxBodyBytes = 65_536
const timeoutMilliseconds = 10_000

/**
 * Opens the admin listener of a state folder: HTTP on a socket in the file system, which only its owner's processes can
 * connect to (mode 0600). It also holds the folder for this process, so open it before anything that is kept there.
 *
 * @throws {Error} when another server uses the folder, others could write to it, or its path is too long for a socket
 */
export async function openAdminListener(state: string): Promise<AdminListener> {
  createStateFolder(state)
  const path = adminSocketPath(state)
  if ((await askAdmin(state, 'GET', '/')) !== undefined) {
    throw new Error(
      `The state folder ${state} is in use by a server that runs. Stop that one, or give each a folder of its own with --state.`,
    )
  }
  rmSync(path, { force: true }) // Left behind by a process that was killed.
  let server: Administered | undefined
  let status: Status | undefined
  const listener = createServer({ requestTimeout: timeoutMilliseconds }, (request, response) => {
    answer(request, server, status).then(
      (told) => respond(response, told),
      (error: unknown) => respond(response, failed(503, messageOf(error))),
    )
  })
  listener.maxConnections = 16
  await listen(listener, path)
  return {
    serve: (given, asked) => {
      server = given
      status = asked
    },
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve())
        listener.closeAllConnections()
      }),
  }
}

function listen(listener: ReturnType<typeof createServer>, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    // The socket is made within the call, so it never is there with another mode.
    const mask = process.umask(0o177)
    try {
      listener.listen(path, () => resolve())
    } finally {
      process.umask(mask)
    }
  })
}

interface Told {
  readonly status: number
  readonly body: unknown
}

async function answer(
  request: IncomingMessage,
  server: Administered | undefined,
  status: Status | undefined,
): Promise<Told> {
  const { url } = request
  if (url !== '/revocations' && url !== '/status') return failed(404, 'There is nothing at this address.')
  if (server === undefined) return failed(503, 'The server is still starting. Try again in a moment.')
  if (url === '/status') {
    if (status === undefined) return failed(404, 'This server is no gateway, and has no status to tell.')
    return request.method === 'GET'
      ? { status: 200, body: status() }
      : failed(405, 'The status can only be read.')
  }
  if (request.method === 'GET') return { status: 200, body: { revocations: server.revocations() } }
  if (request.method !== 'POST') return failed(405, 'GET lists revocations, POST adds one.')
  const wish = await readWish(request)
  if (typeof wish === 'string') return failed(400, wish)
  try {
    return { status: 201, body: await server.revoke(wish) }
  } catch (error) {
    // A mistake in the wish is a TypeError by the contract of `revoke`; everything else is ours.
    return failed(error instanceof TypeError ? 400 : 503, messageOf(error))
  }
}

const members = ['issuer', 'subject', 'clientId', 'tokenId', 'issuedUpTo']

/** @returns what is wrong with the body, as a string */
async function readWish(request: IncomingMessage): Promise<RevocationWish | string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) return `The body has more than ${maxBodyBytes} bytes.`
    chunks.push(chunk)
  }
  let wish: unknown
  try {
    wish = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return 'The body is not JSON.'
  }
  if (typeof wish !== 'object' || wish === null || Array.isArray(wish)) return 'The body is not an object.'
  // A misspelt member would revoke more than was meant.
  const strange = Object.keys(wish).find((name) => !members.includes(name))
  return strange === undefined ? wish : `"${strange}" is no member of a revocation.`
}

function failed(status: number, reason: string): Told {
  return {
    status,
    body: { error: status === 503 ? 'unavailable' : 'invalid_request', error_description: reason },
  }
}

function respond(response: ServerResponse, { status, body }: Told): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
