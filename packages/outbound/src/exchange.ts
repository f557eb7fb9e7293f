import { type ClientRequest, type IncomingMessage, type Agent, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { LookupFunction } from 'node:net'
import { type Destination, resolveDestination } from './destination.ts'
import type { OutboundSettings } from './options.ts'
import type { OutboundAnswer } from './outbound.ts'
import { errorCode, failure, RefusedError } from './problems.ts'
import type { CheckedRequest } from './request.ts'

/** One request under way. */
export interface Exchange {
  /** Never rejects. */
  readonly answer: Promise<OutboundAnswer>
  /** Ends it with `aborted`; nothing happens when it has ended already. */
  abort(reason: string): void
}

export interface ExchangeParts {
  readonly destination: Destination
  readonly request: CheckedRequest
  readonly settings: OutboundSettings
  readonly agent: Agent
}

/** What the exchange is waiting for; the words stand in messages. */
type Stage =
  | 'waiting for a free connection'
  | 'resolving the name'
  | 'connecting'
  | 'in the TLS handshake'
  | 'waiting for the headers'
  | 'reading the body'

/** Node's default; stated, since a flag of the process could raise it. */
const maxHeaderBytes = 16_384
/** How a write or a read ends on a connection that the other side has closed. */
const staleCodes = ['ECONNRESET', 'EPIPE']

/** Sends a request whose URL and headers have been judged, and reads the answer within the limits. */
export function startExchange({ destination, request, settings, agent }: ExchangeParts): Exchange {
  const { label, secure, url } = destination
  const { timeoutSeconds, maxBodyBytes } = settings
  let stage: Stage = 'waiting for a free connection'
  let sent: ClientRequest | undefined
  let settled = false
  let deliver!: (answer: OutboundAnswer) => void
  const answer = new Promise<OutboundAnswer>((resolve) => (deliver = resolve))

  function settle(outcome: OutboundAnswer): void {
    if (settled) return
    settled = true
    clearTimeout(deadline)
    request.signal?.removeEventListener('abort', onSignal)
    if (!outcome.ok) sent?.destroy()
    deliver(outcome)
  }

  function abort(reason: string): void {
    settle(failure('aborted', `${label}: given up while ${stage}, since ${reason}.`))
  }

  function onSignal(): void {
    abort('the caller aborted it')
  }

  /** Runs for each new connection and only there: what has been judged is what the socket connects to. */
  const lookup: LookupFunction = (_hostname, options, callback) => {
    stage = 'resolving the name'
    void resolveDestination(destination, settings.lookup).then((resolved) => {
      stage = 'connecting'
      if (!resolved.ok) {
        callback(new RefusedError(resolved), [])
        return
      }
      const [first] = resolved.value
      if (options.all === true || first === undefined) callback(null, [...resolved.value])
      else callback(null, first.address, first.family)
    })
  }

  function send(): void {
    stage = 'waiting for a free connection'
    const outgoing = (secure ? requestSecure : requestPlain)({
      agent,
      hostname: destination.hostname,
      port: url.port,
      path: `${url.pathname}${url.search}`,
      method: request.method,
      headers: request.headers,
      lookup,
      maxHeaderSize: maxHeaderBytes,
      insecureHTTPParser: false,
    })
    sent = outgoing
    let reused = false

    outgoing.on('socket', (socket) => {
      // Not `outgoing.reusedSocket`: that stays false for a request that waited for its connection.
      reused = !socket.connecting
      if (reused) {
        stage = 'waiting for the headers'
        return
      }
      if (stage === 'waiting for a free connection') stage = 'connecting'
      socket.once('connect', () => (stage = secure ? 'in the TLS handshake' : 'waiting for the headers'))
      socket.once('secureConnect', () => (stage = 'waiting for the headers'))
    })
    outgoing.on('response', (incoming) => {
      stage = 'reading the body'
      receive(incoming)
    })
    outgoing.on('error', (error) => {
      // The server hung up on an idle connection just as we took it; asking again is safe for GET only.
      const stale = reused && stage === 'waiting for the headers' && staleCodes.includes(errorCode(error))
      if (stale && request.method === 'GET' && !settled) send()
      else settle(explain(error))
    })
    // The last word, for ends that come without an error: a server that switches protocols, for one.
    outgoing.on('close', () => {
      if (outgoing !== sent) return
      settle(failure('connection_failed', `${label}: the connection ended while ${stage}.`))
    })
    outgoing.end(request.body)
  }

  function receive(incoming: IncomingMessage): void {
    const status = incoming.statusCode ?? 0
    const tooLarge = failure(
      'too_large',
      `${label}: the body is larger than ${maxBodyBytes} bytes. Nothing of it is used.`,
    )
    const chunks: Buffer[] = []
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > maxBodyBytes) settle(tooLarge)
    })
    incoming.on('error', (error) => settle(explain(error)))
    incoming.on('end', () => {
      settle({ ok: true, status, headers: joinHeaders(incoming), body: Buffer.concat(chunks) })
    })

    const encoding = incoming.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
    if (status >= 300 && status < 400) {
      settle(failure('redirected', describeRedirect(destination, incoming)))
    } else if (encoding !== 'identity' && encoding !== '') {
      settle(
        failure(
          'connection_failed',
          `${label}: the answer is compressed although identity was asked for, so its size cannot be known. Turn compression off there.`,
        ),
      )
    } else if (Number(incoming.headers['content-length'] ?? 0) > maxBodyBytes) {
      settle(tooLarge)
    }
  }

  function explain(error: Error): OutboundAnswer {
    if (error instanceof RefusedError) return error.failure
    const code = errorCode(error)
    if (stage === 'in the TLS handshake') {
      return failure('tls_failed', `${label}: the TLS handshake failed (${code}). ${tlsAdvice(code)}`)
    }
    if (code === 'HPE_HEADER_OVERFLOW') {
      return failure('too_large', `${label}: the headers are larger than ${maxHeaderBytes} bytes.`)
    }
    if (stage === 'connecting') {
      return failure(
        'connection_failed',
        `${label}: nothing accepted the connection (${code}). Check that the server runs and that the port is right.`,
      )
    }
    return failure(
      'connection_failed',
      `${label}: the connection broke while ${stage} (${code}). Check that this is an ${secure ? 'https' : 'http'} server and that it is up.`,
    )
  }

  const deadline = setTimeout(() => {
    settle(
      failure(
        'timeout',
        `${label}: no whole answer within ${timeoutSeconds} s; time ran out while ${stage}.`,
      ),
    )
  }, timeoutSeconds * 1_000)
  if (request.signal?.aborted === true) {
    onSignal()
  } else {
    request.signal?.addEventListener('abort', onSignal, { once: true })
    send()
  }
  return { answer, abort }
}

function joinHeaders(incoming: IncomingMessage): Readonly<Record<string, string>> {
  // Without a prototype, so that `headers.constructor` is a header or nothing.
  // The `as` holds because an object without properties has no value of another type.
  const headers = Object.create(null) as Record<string, string>
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return headers
}

/** The target's origin tells an operator what to change; its path and query may be somebody's secret. */
function describeRedirect({ label, url }: Destination, incoming: IncomingMessage): string {
  const { location } = incoming.headers
  const target =
    location !== undefined && URL.canParse(location, url.href) ? new URL(location, url) : undefined
  const isWeb = target !== undefined && target.protocol.startsWith('http') && target.host.length <= 253
  const where = isWeb ? ` to ${target.origin}` : ''
  return `${label}: answered ${incoming.statusCode}, a redirect${where}. Redirects are not followed: name the final URL.`
}

function tlsAdvice(code: string): string {
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'Nobody whom this machine trusts signed the certificate: add its authority to the certificate authorities, or have the server send its whole chain.'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'The certificate is for another host: use the name that stands in it.'
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'The certificate is not valid today: renew it, or set the clock of this machine.'
    default:
      return 'Check that this port speaks TLS 1.2 or newer.'
  }
}
