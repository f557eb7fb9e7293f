import type { RelayedRequest, Rounds } from '@mcp-doorman/mcp-endpoint'
import type { Message } from '@mcp-doorman/resource-server'
import type { Asked } from '../connection/connection.ts'
import { isFields, type Fields } from '../rpc-message.ts'

/** The parameters that a method has; nothing else of what a client sends is passed on, since nobody has judged it. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  'tools/call': ['name', 'arguments'],
  'resources/read': ['uri'],
  'prompts/get': ['name', 'arguments'],
}

/** What a client asks for, as it is asked of the server. */
export function askedFor({ message }: RelayedRequest, rounds: Rounds, era: 'modern' | 'legacy'): Asked {
  const { method, params, item } = message
  return {
    method,
    params: {
      ...(method === 'completion/complete' ? toComplete(message) : pick(params, parameters[method] ?? [])),
      ...(era === 'modern' && furtherRound(rounds)),
    },
    name: method === 'completion/complete' ? undefined : item?.name,
  }
}

/** What is completed is named by what was judged alone: another name beside it is one that some servers would take. */
function toComplete({ item, params: { argument, context } }: Message): Fields {
  const ref =
    item?.kind === 'prompt'
      ? { type: 'ref/prompt', name: item.name }
      : { type: 'ref/resource', uri: item?.name }
  return {
    ref,
    argument: isFields(argument) ? pick(argument, ['name', 'value']) : argument,
    ...(isFields(context) && { context: pick(context, ['arguments']) }),
  }
}

function pick(params: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]] as const])),
  )
}

/** The answers of the client, and what the server gave it to keep. */
function furtherRound({ answers, kept }: Rounds): Fields {
  const { requestState } = kept
  return {
    ...(Object.keys(answers).length > 0 && { inputResponses: answers }),
    ...(typeof requestState === 'string' && { requestState }),
  }
}
