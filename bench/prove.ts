import { once } from 'node:events'
import { connect } from 'node:net'
import { parseAnswer } from './answer.ts'
import { expectedText, formatCall, type Era, type ToolName } from './calls.ts'
import type { Issuer } from './issuer.ts'

export interface ProofOrder {
  readonly name: string
  readonly port: number
  readonly era: Era
  readonly tool: ToolName
  /** Whether the target must turn strangers away. */
  readonly guarded: boolean
  readonly issuer: Issuer
}

/**
 * Proves that a target does its work before it is measured: the right answer, and where it is guarded the four refusals.
 *
 * @returns the bytes of the right answer's body
 * @throws {Error} naming the first thing that it did wrong
 */
export async function proveTarget({ name, port, era, tool, guarded, issuer }: ProofOrder): Promise<Buffer> {
  const call = (token: string | undefined): Promise<Answer> =>
    exchange(port, formatCall(era, tool, port, token))
  const right = await call(issuer.tokens[0])
  if (right.status !== 200 || readText(right.body) !== expectedText[tool]) {
    throw new Error(`${name} gave a wrong answer: ${right.status} ${right.body.toString().slice(0, 500)}`)
  }
  const refusals = [{ name: 'no token', token: undefined, status: 401 }, ...issuer.refused]
  for (const refusal of guarded ? refusals : []) {
    const { status } = await call(refusal.token)
    if (status !== refusal.status) {
      throw new Error(`${name} answered ${status} to ${refusal.name}, where ${refusal.status} is right.`)
    }
  }
  return right.body
}

interface Answer {
  readonly status: number
  readonly body: Buffer
}

async function exchange(port: number, request: Buffer): Promise<Answer> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.setTimeout(5000, () => socket.destroy(new Error('No answer in 5 s.')))
  try {
    await once(socket, 'connect')
    socket.write(request)
    let received = Buffer.alloc(0)
    for await (const bytes of socket) {
      received = Buffer.concat([received, bytes as Buffer]) // No encoding is set, so these are buffers.
      const parsed = parseAnswer(received)
      if (parsed.kind === 'malformed') throw new Error(`A malformed answer: ${parsed.reason}.`)
      if (parsed.kind === 'answer') return parsed
    }
    throw new Error('The connection ended before the answer.')
  } finally {
    socket.destroy()
  }
}

/** The text of the result, which comes as JSON or as the one event of a stream. */
function readText(body: Buffer): unknown {
  const text = body.toString()
  const json = text.startsWith('{') ? text : /^data: (\{.*)$/m.exec(text)?.[1]
  if (json === undefined) return undefined
  // Members that are missing come out as undefined, which is no right answer.
  const message = JSON.parse(json) as { result?: { content?: readonly { text?: unknown }[] } }
  return message.result?.content?.[0]?.text
}
