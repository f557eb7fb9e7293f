import type { IncomingMessage, ServerResponse } from 'node:http'
import { readBody } from '@mcp-doorman/authorization-server'
import type { Call } from './call.ts'
import { judgeOrigin } from './cors.ts'
import type { Answer } from './envelope.ts'
import { issuerFromHost } from './hosts.ts'
import type { Instance } from '../instance.ts'
import { route } from './router.ts'
import { formatCookie, type Session, type Sessions } from '../people/sessions.ts'

const maxBodyBytes = 1_048_576

/** Answers one request. */
export async function answerRequest(
  instance: Instance,
  sessions: Sessions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, maxBodyBytes)
  if (!body.ok) {
    response.writeHead(body.status, { connection: 'close' }).end()
    return
  }
  const call = readCall(instance, sessions, request, body.value.toString())
  const judged = judgeOrigin(instance, call)
  if (judged.kind === 'answer') return send(instance, sessions, call, judged.answer, response)
  const answer = await route(instance, sessions, call)
  const headers = { ...judged.headers, ...answer.headers }
  send(instance, sessions, call, { ...answer, headers }, response)
}

function readCall(instance: Instance, sessions: Sessions, request: IncomingMessage, body: string): Call {
  const { url = '/', headers, method = 'GET' } = request
  const [path = '/', ...queries] = url.split('?')
  const host = headers.host ?? ''
  return {
    method: method === 'HEAD' ? 'GET' : method,
    path: decodePath(path),
    url,
    query: new URLSearchParams(queries.join('?')),
    host,
    headers,
    body,
    issuer: instance.origin ?? issuerFromHost(host),
    session: sessions.open(headers.cookie),
  }
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function send(
  instance: Instance,
  sessions: Sessions,
  call: Call,
  answer: Answer,
  response: ServerResponse,
): void {
  const { status, body, headers = {} } = answer
  const named: Session[] = call.session.isNew && answer.withoutSession !== true ? [call.session] : []
  if (answer.endsSession === true) named.push(sessions.renew(call.session))
  const now = instance.nowSeconds()
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response
    .writeHead(status, {
      date: new Date(now * 1000).toUTCString(),
      ...(typeof body === 'object' && { 'content-type': 'application/json; charset=utf-8' }),
      ...(named.length > 0 && { 'set-cookie': named.map((session) => formatCookie(session, now)) }),
      'content-length': Buffer.byteLength(text),
      ...headers,
    })
    .end(text)
}
