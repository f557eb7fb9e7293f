import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import type { ResourceServer } from '@mcp-doorman/resource-server'
import * as expressAdapter from '@mcp-doorman/resource-server/express'
import * as fastifyAdapter from '@mcp-doorman/resource-server/fastify'
import * as honoAdapter from '@mcp-doorman/resource-server/hono'
import * as nodeAdapter from '@mcp-doorman/resource-server/node'
import * as webAdapter from '@mcp-doorman/resource-server/web'

/** What a handler behind an adapter was given. */
export interface Seen {
  readonly method: string
  /** Names in lower case and values in turn, from everywhere that the framework has headers. */
  readonly headers: readonly string[]
  readonly body: unknown
  /** The body as the framework's own request has it. */
  readonly frameworkBody: unknown
  readonly auth: nodeAdapter.AuthInfo | undefined
}

/** What a handler behind an adapter answers. */
export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | AsyncIterable<string>
}

export type TestHandler = (seen: Seen) => Reply | Promise<Reply>

export interface Served {
  readonly port: number
  readonly close: () => Promise<void>
}

export interface ServeOptions {
  readonly resourceServer: ResourceServer
  readonly handler: TestHandler
  readonly options?: nodeAdapter.FrontOptions
}

/** An adapter, served by its framework on a real socket; the rest of the application answers "app" to every path. */
export interface AdapterServer {
  readonly name: string
  /** The framework hands over two fields of a name as two. */
  readonly hasRawHeaders: boolean
  readonly serve: (options: ServeOptions) => Promise<Served>
}

async function writeReply(
  response: ServerResponse,
  { status = 200, headers = {}, body }: Reply,
): Promise<void> {
  response.writeHead(status, headers)
  if (body === undefined || typeof body === 'string') {
    response.end(body)
    return
  }
  response.flushHeaders()
  const events = body[Symbol.asyncIterator]()
  response.once('close', () => void events.return?.())
  for (let next = await events.next(); next.done !== true; next = await events.next())
    response.write(next.value)
  response.end()
}

function webReply({ status = 200, headers = {}, body }: Reply): Response {
  if (body === undefined || typeof body === 'string') return new Response(body ?? null, { status, headers })
  const encoder = new TextEncoder()
  const events = body[Symbol.asyncIterator]()
  const stream = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = await events.next()
      if (next.done === true) controller.close()
      else controller.enqueue(encoder.encode(next.value))
    },
    cancel: async () => void (await events.return?.()),
  })
  return new Response(stream, { status, headers })
}

type NodeGranted = IncomingMessage & { auth: nodeAdapter.AuthInfo; body: unknown }

function seenByNode(request: NodeGranted, body: unknown): Seen {
  const parsed = Object.entries({ ...request.headers, ...request.headersDistinct }).flat(2)
  return {
    method: request.method ?? '',
    headers: [...request.rawHeaders.map((text) => text.toLowerCase()), ...parsed.map(String)],
    body,
    frameworkBody: request.body,
    auth: request.auth,
  }
}

async function seenByWeb(request: Request, body: unknown, auth: nodeAdapter.AuthInfo): Promise<Seen> {
  const text = await request.text()
  return {
    method: request.method,
    headers: [...request.headers].flat(),
    body,
    frameworkBody: text === '' ? undefined : JSON.parse(text),
    auth,
  }
}

/** A handler in the shape that the adapters on Node take. */
function onNode(handler: TestHandler) {
  return async (request: NodeGranted, response: ServerResponse, body: unknown): Promise<void> => {
    const reply = await handler(seenByNode(request, body))
    void writeReply(response, reply)
  }
}

export async function listen(listener: RequestListener): Promise<Served> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

// Version 4 comes under another name and without types; what is used of it is the same in both.
const older: string = 'express4'
const { default: express4 } = (await import(older)) as { readonly default: typeof express }

function expressServer(name: string, make: typeof express): AdapterServer {
  return {
    name,
    hasRawHeaders: true,
    serve: ({ resourceServer, handler, options = {} }) => {
      const app = make()
      app.use(expressAdapter.protect(resourceServer, onNode(handler), options))
      app.use(make.json())
      app.use((_request, response) => void response.send('app'))
      return listen(app)
    },
  }
}

export const adapterServers: readonly AdapterServer[] = [
  {
    name: 'node',
    hasRawHeaders: true,
    serve: ({ resourceServer, handler, options = {} }) => {
      const elsewhere = (_request: IncomingMessage, response: ServerResponse): void =>
        void response.end('app')
      const listener = nodeAdapter.protect(resourceServer, onNode(handler), { ...options, elsewhere })
      return listen((request, response) => void listener(request, response))
    },
  },
  expressServer('express 5', express),
  expressServer('express 4', express4),
  {
    name: 'fastify',
    hasRawHeaders: true,
    serve: async ({ resourceServer, handler, options = {} }) => {
      const app = fastify({ forceCloseConnections: true })
      await app.register(fastifyAdapter.protect(resourceServer, onNode(handler), options))
      app.setNotFoundHandler(async () => 'app')
      await app.listen({ port: 0, host: '127.0.0.1' })
      const { port } = app.server.address() as AddressInfo
      return { port, close: () => app.close() }
    },
  },
  {
    name: 'hono',
    hasRawHeaders: false,
    serve: async ({ resourceServer, handler, options = {} }) => {
      const app = new Hono()
      app.use(
        honoAdapter.protect(
          resourceServer,
          async (context, { authInfo, parsedBody }) =>
            webReply(await handler(await seenByWeb(context.req.raw, parsedBody, authInfo))),
          options,
        ),
      )
      app.all('*', (context) => context.text('app'))
      return listen((request, response) => void getRequestListener(app.fetch)(request, response))
    },
  },
  {
    name: 'web',
    hasRawHeaders: false,
    serve: ({ resourceServer, handler, options = {} }) => {
      const fetch = webAdapter.protect(
        resourceServer,
        async (request, { authInfo, parsedBody }) =>
          webReply(await handler(await seenByWeb(request, parsedBody, authInfo))),
        { ...options, elsewhere: () => new Response('app') },
      )
      return listen((request, response) => void getRequestListener(fetch)(request, response))
    },
  },
]
