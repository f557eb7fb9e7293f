import type { IncomingMessage, ServerResponse } from 'node:http'
import { readBody, withBody } from '@mcp-doorman/authorization-server'
import type { IssuerEngine } from '../engine.ts'
import { captureAnswer, sendAnswer } from './captured-answer.ts'
import {
  type Answer,
  changeJson,
  type Exchange,
  type Interceptor,
  oauthError,
  parseObject,
  type TokenDraft,
  type TokenOccasion,
} from './exchange.ts'

/** More than any engine takes; each has limits of its own. */
const maxBodyBytes = 1_048_576

/**
 * An engine with interceptors before it: requests go through them first, answers and access tokens last, each in their
 * order. While there are none, requests reach the engine as they came.
 */
export function interceptEngine(
  engine: IssuerEngine,
  interceptors: () => readonly Interceptor[],
  onError: (error: Error) => void,
): IssuerEngine {
  async function respond(
    request: IncomingMessage,
    response: ServerResponse,
    active: readonly Interceptor[],
  ): Promise<void> {
    const asked = await readExchange(engine, request)
    if (asked === undefined) {
      response.setHeader('connection', 'close') // What is left of the body is not read.
      return sendAnswer(
        response,
        oauthError(413, 'invalid_request', 'the body is too large or did not arrive whole'),
      )
    }
    let exchange = asked
    let answer: Answer | undefined
    for (const { ask } of active) {
      const course = (await ask?.(exchange)) ?? { exchange }
      if (course === 'silence') return
      if ('answer' in course) {
        answer = course.answer
        break
      }
      exchange = course.exchange
    }
    if (answer === undefined) {
      const captured = captureAnswer(response)
      engine.handle(toRequest(request, exchange), response)
      answer = await captured
      if (answer === undefined) return
    }
    if (exchange.endpoint === 'token') answer = await changeIssuedToken(answer, active)
    for (const interceptor of active) answer = (await interceptor.answer?.(answer, exchange)) ?? answer
    if (!response.destroyed) sendAnswer(response, answer)
  }

  async function changeIssuedToken(answer: Answer, active: readonly Interceptor[]): Promise<Answer> {
    const response = answer.status === 200 ? parseObject(answer.body) : undefined
    const issued = response?.['access_token']
    if (response === undefined || typeof issued !== 'string') return answer
    const changed = await changeToken(issued, active, { response })
    return changed === issued ? answer : changeJson(answer, (body) => ({ ...body, access_token: changed }))
  }

  async function changeToken(
    issued: string,
    active: readonly Interceptor[],
    occasion: TokenOccasion,
  ): Promise<string> {
    if (!active.some(({ token }) => token !== undefined)) return issued
    const [header, claims] = issued.split('.', 2).map((part) => parseObject(Buffer.from(part, 'base64url')))
    if (header === undefined || claims === undefined) return issued // Opaque: there is nothing to change in it.
    let draft: TokenDraft = { header, claims }
    for (const { token } of active) draft = token?.(draft, occasion) ?? draft
    const { sign, replacement } = draft
    if (replacement !== undefined) return replacement
    return sign?.(draft.claims, draft.header) ?? engine.sign(draft.claims, draft.header)
  }

  return {
    ...engine,
    handle(request, response) {
      const active = interceptors()
      if (active.length === 0) return engine.handle(request, response)
      respond(request, response, active).catch((error: unknown) => {
        onError(error instanceof Error ? error : new Error(String(error)))
        response.destroy()
      })
    },
    async mintAccessToken(request) {
      const minted = await engine.mintAccessToken(request)
      if (!minted.ok) return minted
      return {
        ...minted,
        accessToken: await changeToken(minted.accessToken, interceptors(), { response: {} }),
      }
    },
  }
}

async function readExchange(engine: IssuerEngine, request: IncomingMessage): Promise<Exchange | undefined> {
  const body = await readBody(request, maxBodyBytes)
  if (!body.ok) return undefined
  const url = request.url ?? '/'
  return {
    endpoint: engine.endpointOf(url),
    method: request.method ?? 'GET',
    url,
    headers: { ...request.headers },
    body: body.value,
  }
}

/** What an engine is given: the request as the interceptors left it. */
function toRequest(request: IncomingMessage, { url, headers, body }: Exchange): IncomingMessage {
  const copy = withBody(request, body)
  copy.url = url
  copy.headers = { ...headers, ...(body.length > 0 && { 'content-length': String(body.length) }) }
  delete copy.headers['transfer-encoding']
  return copy
}
