import { createHash } from 'node:crypto'
import type { Message } from '@mcp-doorman/resource-server'
import { isFields } from '../fields.ts'
import type { RunContext } from '../run-context.ts'
import type { Sealed } from '../sealed.ts'
import { noRounds, type Rounds } from './call.ts'

/** The memory of a call that waits for input, which the client carries (requirement G22). */
export interface InputState {
  /** What the client must send back with its answers. */
  readonly write: (message: Message, context: RunContext, used: Rounds) => string
  /** What the client has sent of earlier rounds, or why it cannot be used. */
  readonly read: (message: Message, context: RunContext) => Rounds | string
}

interface Contents extends Rounds {
  /** Until when it may be used, in epoch milliseconds. */
  readonly until: number
}

const unusable =
  '"requestState" is not valid here: it was changed, has expired, or belongs to another call. Begin the call again without it.'

/**
 * Seals answers and kept values for the one who makes this call, this item and these arguments, for a limited time.
 *
 * Answers of an earlier round come back in the seal, and what was accepted once cannot be changed by a later round.
 */
export function createInputState(
  sealed: Sealed,
  lifetimeSeconds: number,
  nowMilliseconds: () => number,
): InputState {
  return {
    write: (message, context, { answers, kept }) => {
      const contents: Contents = { answers, kept, until: nowMilliseconds() + lifetimeSeconds * 1000 }
      return sealed.seal(purposeOf(message, context), contents)
    },
    read: (message, context) => {
      const { inputResponses, requestState } = message.params
      if (inputResponses === undefined && requestState === undefined) return noRounds
      if (inputResponses !== undefined && !isFields(inputResponses))
        return '"inputResponses" must be an object'
      const given = inputResponses ?? {}
      if (requestState === undefined) return { answers: given, kept: {} }
      if (typeof requestState !== 'string') return '"requestState" must be a string'
      // Only `write` seals for this purpose.
      const contents = sealed.open(purposeOf(message, context), requestState) as Contents | undefined
      if (contents === undefined || nowMilliseconds() >= contents.until) return unusable
      return { answers: { ...given, ...contents.answers }, kept: contents.kept }
    },
  }
}

function purposeOf({ method, item, params }: Message, { callerKey }: RunContext): string {
  const args = createHash('sha256').update(canonical(params['arguments'])).digest('base64url')
  return JSON.stringify(['input', callerKey, method, item?.name, args])
}

/** JSON with sorted members: a client may write the same arguments in another order the second time. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      isFields(inner)
        ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? ''
  )
}
