/** The two ways to a files server, as one: calls of tools, and what came of them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { secret, type Place } from './attack-place.ts'
import { doormanScript, type Lab } from './doorman-process.ts'
import { signToken, startHandMadeIssuer } from './hand-made-issuer.ts'
import { memberOf, modernCall, parseObject, type Json } from './mcp-wire.ts'
import { allScopes, startFiles } from './protected-servers.ts'

export interface Reply {
  /** The HTTP status, where there is one. */
  readonly status: number | undefined
  readonly text: string
  readonly body: Json
}

export interface Connection {
  readonly pid: number
  /** Sends one message as it stands. What has no id that can be read is answered to `null`. */
  readonly send: (
    message: Json | string,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ) => Promise<Reply>
  /** Ends the process at once, and waits. */
  readonly kill: () => Promise<void>
}

export interface Transport {
  readonly name: 'HTTP' | 'stdio'
  readonly connect: (lab: Lab, place: Place, words: readonly string[]) => Promise<Connection>
}

async function connectHttp(lab: Lab, place: Place, words: readonly string[]): Promise<Connection> {
  const issuer = await startHandMadeIssuer(lab)
  const server = await startFiles(lab, {
    folder: place.root,
    words: [
      '--issuer',
      issuer.issuer,
      '--limit',
      'off',
      '--audit',
      join(lab.makeFolder(), 'audit.jsonl'),
      ...words,
    ],
  })
  const scope = allScopes.join(' ')
  const token = signToken(issuer.key, {
    iss: issuer.issuer,
    aud: server.url,
    scope,
    exp: Math.floor(Date.now() / 1000) + 3600,
  })
  return {
    pid: server.process.pid,
    send: async (message, headers, signal = AbortSignal.timeout(60_000)) => {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          authorization: `Bearer ${token}`,
          ...headers,
        },
        body: textOf(message),
        signal,
      })
      const text = await response.text()
      return { status: response.status, text, body: parseObject(text) }
    },
    kill: async () => {
      process.kill(server.process.pid, 'SIGKILL')
      await server.process.ended
    },
  }
}

function textOf(message: Json | string): string {
  return typeof message === 'string' ? message : JSON.stringify(message)
}

async function connectStdio(lab: Lab, place: Place, words: readonly string[]): Promise<Connection> {
  const args = [doormanScript, 'files', place.root, '--stdio', ...words]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  await once(child, 'spawn')
  const waiting = new Map<unknown, (text: string) => void>()
  const strange: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    const body = parseObject(line)
    if (body['jsonrpc'] !== '2.0') strange.push(line)
    waiting.get(body['id'])?.(line)
  })
  child.stderr.on('data', (bytes: Buffer) => strange.push(bytes.toString()))
  child.stdin.on('error', () => undefined)
  const ended = once(child, 'close')
  lab.keep(async () => {
    child.kill('SIGTERM')
    await ended
    assert.deepEqual(strange, [], 'nothing but JSON-RPC on standard output, nothing on standard error')
  })
  const write = (message: Json | string): void => void child.stdin.write(`${textOf(message)}\n`)
  return {
    pid: child.pid ?? 0,
    send: (message, _headers, signal) =>
      new Promise((resolve, reject) => {
        const id = typeof message === 'string' ? null : message['id']
        const late = setTimeout(() => reject(new Error(`no answer to ${String(id)}`)), 30_000)
        waiting.set(id, (text) => {
          clearTimeout(late)
          waiting.delete(id)
          resolve({ status: undefined, text, body: parseObject(text) })
        })
        void ended.then(() => reject(new Error('the process has ended')))
        signal?.addEventListener('abort', () => {
          write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
          clearTimeout(late)
          reject(signal.reason)
        })
        write(message)
      }),
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

export const transports: readonly Transport[] = [
  { name: 'HTTP', connect: connectHttp },
  { name: 'stdio', connect: connectStdio },
]

/** Structured content of a tool, as far as tests look at it; the schema tests hold the tools to it. */
export interface Fields {
  readonly text: string
  readonly etag: string
  readonly size: number
  readonly encoding: string
  readonly next_cursor?: string
  readonly diff: string
  readonly created: boolean
  readonly entries: readonly { readonly path: string; readonly type: string; readonly etag?: string }[]
  readonly matches: readonly { readonly path: string; readonly line: number; readonly text: string }[]
}

export interface Outcome {
  readonly reply: Reply
  /** The code that a failure's text begins with; `ok`, or what the protocol said instead of a result. */
  readonly code: string
  readonly fields: Fields
}

/** Calls tools over a connection, and keeps what was answered. */
export class Session {
  readonly connection: Connection
  readonly answers: string[] = []
  #id = 0

  constructor(connection: Connection) {
    this.connection = connection
  }

  async call(tool: string, args: unknown, signal?: AbortSignal): Promise<Outcome> {
    const { body, headers } = modernCall({ name: tool, arguments: args as Json, id: `call-${++this.#id}` })
    return this.#outcomeOf(await this.connection.send(body, headers, signal))
  }

  /** One message of another kind. */
  async request(method: string, params: Json): Promise<Reply> {
    const { body, headers } = modernCall({ name: '', id: `request-${++this.#id}` })
    const envelope = memberOf(body, 'params', '_meta')
    const message = { ...body, method, params: { ...params, _meta: envelope } }
    // Over HTTP the name of what is read is repeated; encoded, since a URI may hold anything here.
    const named = Buffer.from(String(params['uri'])).toString('base64')
    const reply = await this.connection.send(message, {
      ...headers,
      'mcp-method': method,
      'mcp-name': `=?base64?${named}?=`,
    })
    this.answers.push(reply.text)
    return reply
  }

  /** Expects that nothing can be read at a URI, in the words for any unknown one. */
  async isNoResource(uri: string): Promise<void> {
    const { body, text } = await this.request('resources/read', { uri })
    assert.equal(memberOf(body, 'error', 'code'), -32602, `${uri}: ${text}`)
  }

  /** What the beginning of a path is completed to. */
  async complete(value: string): Promise<readonly unknown[]> {
    const { body, text } = await this.request('completion/complete', {
      ref: { type: 'ref/resource', uri: 'file:///{+path}' },
      argument: { name: 'path', value },
    })
    const values = memberOf(body, 'result', 'completion', 'values')
    assert.ok(Array.isArray(values), text)
    return values
  }

  async ok(tool: string, args: Json): Promise<Fields> {
    const { code, fields, reply } = await this.call(tool, args)
    assert.equal(code, 'ok', `${tool} ${JSON.stringify(args).slice(0, 200)}: ${reply.text.slice(0, 500)}`)
    return fields
  }

  /** Expects a failure with one of these codes; returns its text. */
  async fails(tool: string, args: unknown, ...codes: readonly string[]): Promise<string> {
    const { code, reply } = await this.call(tool, args)
    const shown = `${tool} ${(JSON.stringify(args) ?? '').slice(0, 200)}: ${reply.text.slice(0, 500)}`
    assert.ok(codes.includes(code), `${codes.join(' or ')}, not ${code}: ${shown}`)
    return String(memberOf(reply.body, 'result', 'content', '0', 'text'))
  }

  /** Checks what was answered so far, and forgets it. */
  assertSilent(place: Place): void {
    for (const answer of this.answers.splice(0)) {
      assert.ok(!answer.includes(secret), `no secret in ${answer.slice(0, 300)}`)
      assert.ok(!answer.includes(place.base), `no host path in ${answer.slice(0, 300)}`)
    }
  }

  #outcomeOf(reply: Reply): Outcome {
    this.answers.push(reply.text)
    const text = memberOf(reply.body, 'result', 'content', '0', 'text')
    const fields = memberOf(reply.body, 'result', 'structuredContent')
    return { reply, code: codeOf(reply, text), fields: (fields ?? {}) as Fields }
  }
}

function codeOf({ status, body }: Reply, text: unknown): string {
  if (status !== undefined && status !== 200) return `HTTP ${status}`
  if (body['error'] !== undefined) return String(memberOf(body, 'error', 'code'))
  if (memberOf(body, 'result', 'isError') !== true) return 'ok'
  return /^([a-z_]+):/.exec(String(text))?.[1] ?? String(text)
}
