import type { Message } from '@mcp-doorman/resource-server'
import type { Rounds } from './calls/call.ts'
import type { CallEnd, Runnable } from './calls/run-call.ts'
import { complete } from './completion.ts'
import { createLists, type Lists, type ListsOptions } from './lists.ts'
import type { Methods } from './methods.ts'
import type { Offer } from './offer.ts'
import { invalid, outcomeOfEnd, outcomeOfRun, unknown, type Outcome } from './outcome.ts'
import type { RunContext } from './run-context.ts'
import { refuseDisagreement } from './tables/param-headers.ts'
import { writeError, type WrittenResult } from './tables/tool-table.ts'

/** The methods of what is defined in this process, with what they were built of. */
export interface DefinedMethods extends Methods {
  readonly lists: Lists
  readonly offer: Offer
}

export function createDefinedMethods(offer: Offer, options: ListsOptions): DefinedMethods {
  const { tools, resources, prompts, has } = offer
  const { runCall } = options
  const lists = createLists(offer, options)

  function run(
    message: Message,
    context: RunContext,
    rounds: Rounds,
  ): Outcome | Promise<Outcome> | undefined {
    switch (message.method) {
      case 'tools/call':
        return has.tools ? callTool(message, context, rounds) : undefined
      case 'tools/list':
        return has.tools ? lists.page('tools', message, context) : undefined
      case 'resources/read':
        return has.resources ? readResource(message, context, rounds) : undefined
      case 'resources/list':
        return has.resources ? lists.resources(message, context) : undefined
      case 'resources/templates/list':
        return has.resources ? lists.page('resourceTemplates', message, context) : undefined
      case 'prompts/get':
        return has.prompts ? getPrompt(message, context, rounds) : undefined
      case 'prompts/list':
        return has.prompts ? lists.page('prompts', message, context) : undefined
      case 'completion/complete':
        return has.completions ? complete(offer, runCall, message, context) : undefined
      default:
        return undefined
    }
  }

  function callTool(message: Message, context: RunContext, rounds: Rounds): Outcome | Promise<Outcome> {
    const { item, params } = message
    const entry = item && tools.find(item.name)
    if (entry === undefined) return unknown(item, context)
    const args = params['arguments'] ?? {}
    const refused = entry.refuse(args)
    if (refused !== undefined) return toolOutcome(refused)
    if (context.paramHeaders !== null && context.era === 'modern') {
      const disagreement = refuseDisagreement(entry.paramHeaders, args, context.paramHeaders)
      if (disagreement !== undefined) return disagreement
    }
    // The schema has accepted the arguments, which is all that `never` stands for.
    const end = runCall(entry.runnable, args as never, message, context, rounds)
    return end instanceof Promise ? end.then(toolOutcomeOfEnd) : toolOutcomeOfEnd(end)
  }

  function readResource(message: Message, context: RunContext, rounds: Rounds): Outcome | Promise<Outcome> {
    const { item } = message
    const found = item && resources.find(item.name)
    if (found === undefined) return unknown(item, context)
    const { readable, address } = found
    return runItem(readable.runnable, address, message, context, rounds, (json) =>
      json === undefined ? unknown(item, context) : { kind: 'result', json, cache: readable },
    )
  }

  function getPrompt(message: Message, context: RunContext, rounds: Rounds): Outcome | Promise<Outcome> {
    const { item, params } = message
    const entry = item && prompts.find(item.name)
    if (entry === undefined) return unknown(item, context)
    const args = entry.readArguments(params['arguments'] ?? {})
    if (typeof args === 'string') return invalid(args)
    return runItem(entry.runnable, args, message, context, rounds, (json) => ({ kind: 'result', json }))
  }

  function runItem<Args, Output, Value>(
    runnable: Runnable<Args, Output, Value>,
    args: Args,
    message: Message,
    context: RunContext,
    rounds: Rounds,
    outcomeOf: (value: Value) => Outcome,
  ): Outcome | Promise<Outcome> {
    return outcomeOfRun(runCall(runnable, args, message, context, rounds), outcomeOf)
  }

  return { run, lists, offer }
}

function toolOutcome({ json, result }: WrittenResult): Outcome {
  return { kind: 'result', json, toolError: result.isError === true }
}

/** A model can read what a tool has to say, so it is a result and no error of the protocol. */
function toolOutcomeOfEnd(end: CallEnd<WrittenResult>): Outcome {
  return end.kind === 'told' ? toolOutcome(writeError(end.message)) : outcomeOfEnd(end, toolOutcome)
}
