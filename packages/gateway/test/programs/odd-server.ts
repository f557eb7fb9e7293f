/** A server of 2025 over standard input and output that does what its tools are called. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

type Json = Readonly<Record<string, unknown>>

const say = (message: Json): void =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const text = (value: unknown): Json => ({ content: [{ type: 'text', text: JSON.stringify(value) }] })
let notes = 0

const tools: Readonly<Record<string, (id: unknown, args: Json) => void>> = {
  about: (id) => say({ id, result: text({ pid: process.pid, cwd: process.cwd(), env: process.env }) }),
  /** Something that it keeps. */
  count: (id) => say({ id, result: text((notes += 1)) }),
  hang: () => void process.stderr.write('hanging\n'),
  die: () => process.kill(process.pid, 'SIGKILL'),
  big: (id, { bytes }) => say({ id, result: text('x'.repeat(Number(bytes))) }),
  garbage: (id) => {
    process.stdout.write('not json\n{"jsonrpc":"2.0"}\n[]\n\n{"jsonrpc":"2.0","id":{},"result":{}}\n')
    say({ id: 'nobody', result: text('for nobody') })
    say({ id, result: text('after garbage') })
  },
  halves: (id) => {
    const line = `${JSON.stringify({ jsonrpc: '2.0', id, result: text('halves \u20ac') })}\n`
    const bytes = Buffer.from(line)
    const middle = bytes.indexOf(0xe2) + 1
    process.stdout.write(bytes.subarray(0, middle))
    setTimeout(() => process.stdout.write(bytes.subarray(middle)), 20)
  },
  /** Starts something that outlives it, unless its group is ended. */
  litter: (id) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' })
    say({ id, result: text(child.pid) })
  },
  /** Starts something outside of its group that keeps writing to its outputs. */
  'escape-noisily': (id) => {
    const noise = 'setInterval(() => { console.log("{}"); console.error("noise") }, 50)'
    const child = spawn(process.execPath, ['-e', noise], {
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    say({ id, result: text(child.pid) })
  },
  /** Does not end when it is asked to. */
  stubborn: (id) => {
    process.on('SIGTERM', () => undefined)
    stubborn = true
    setInterval(() => undefined, 1000)
    say({ id, result: text(process.pid) })
  },
  chatter: (id, { lines }) => {
    const said = Array.from({ length: Number(lines) }, (_, line) => `line ${line} \u001b[31m\n`)
    // What waits in a process when it ends is lost, so it answers when all has been written.
    process.stderr.write(said.join(''), () => say({ id, result: text('said') }))
  },
  /** Asks for something that no client can be asked, and then for something while nobody waits. */
  ask: (id) => {
    replies.set('a', (reply) => say({ id, result: text(reply) }))
    say({ id: 'a', method: 'tasks/list', params: {} })
  },
  /** Asks the person, and answers with what came back. */
  elicit: (id) => {
    notes += 1
    const own = `elicit-${notes}`
    replies.set(own, (reply) => say({ id, result: text(reply) }))
    say({
      id: own,
      method: 'elicitation/create',
      params: {
        message: 'Who?',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
      },
    })
  },
  /** Whether a call was cancelled. */
  cancelled: (id) => say({ id, result: text(cancelled) }),
  wrong: (id) => say({ id, result: { text: 'no content' } }),
  twice: (id) => {
    process.stdout.write(
      `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[{"type":"text","text":"12345678901234567890"}],"structuredContent":{"n":12345678901234567890}}}\n`,
    )
  },
  secretive: (id) =>
    say({ id, error: { code: -32603, message: 'ENOENT: /srv/secret/notes.db', data: { stack: 'at x' } } }),
  /** Wants a page to be visited, and then to be called again. */
  visit: (id) => {
    notes += 1
    const elicitations = [
      { mode: 'url', message: 'Log in', url: 'https://a.example/login', elicitationId: 'e1' },
    ]
    if (notes > 1) say({ id, result: text('visited') })
    else say({ id, error: { code: -32042, message: 'Log in first', data: { elicitations, secret: 1 } } })
  },
  /** Dies, and leaves somebody behind who has left its group and holds its output. */
  escape: () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], {
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    process.stderr.write(`escaped ${child.pid}\n`, () => process.kill(process.pid, 'SIGKILL'))
  },
  /** Asks, whatever it is answered. */
  insist: (id) => {
    const again = (): void => {
      notes += 1
      replies.set(`insist-${notes}`, (reply) => (notes < 500 ? again() : say({ id, result: text(reply) })))
      say({ id: `insist-${notes}`, method: 'roots/list' })
    }
    again()
  },
  picky: (id) => say({ id, error: { code: -32602, message: 'The argument "a"\u0007 must be a number.' } }),
  quota: (id) => say({ id, error: { code: 1001, message: 'The quota is used up.' } }),
}
let stubborn = false
let cancelled = 0
const replies = new Map<unknown, (reply: Json) => void>()

function take(message: Json): void {
  const { id, method, params = {} } = message
  const { name, arguments: args = {}, protocolVersion } = params as Json // The gateway writes objects.
  switch (method) {
    case 'initialize':
      say({
        id,
        result: {
          protocolVersion,
          capabilities: { tools: { listChanged: true } },
          serverInfo: { name: 'odd', version: '1' },
        },
      })
      break
    case 'tools/list':
      say({
        id,
        result: { tools: Object.keys(tools).map((one) => ({ name: one, inputSchema: { type: 'object' } })) },
      })
      break
    case 'tools/call':
      tools[String(name)]?.(id, args as Json)
      break
    case 'notifications/cancelled':
      cancelled += 1
      break
    case undefined:
      replies.get(id)?.(message)
      break
    default:
      if (id !== undefined) say({ id, error: { code: -32601, message: 'Method not found' } })
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => take(JSON.parse(line) as Json))
  .on('close', () => {
    if (!stubborn) process.exit(0)
  })
