import {
  parseUriTemplate,
  type Item,
  type Message,
  type UriTemplate,
  type Variables,
} from '@mcp-doorman/resource-server'
import { noRounds } from './calls/call.ts'
import type { RunCall } from './calls/run-call.ts'
import { fieldsOf, type Fields } from './fields.ts'
import type { Offer } from './offer.ts'
import { invalid, outcomeOfRun, unknown, type Outcome } from './outcome.ts'
import type { Complete } from './resources.ts'
import type { RunContext } from './run-context.ts'

const mostValues = 100
const none: Outcome = { kind: 'result', json: '{"completion":{"values":[],"total":0,"hasMore":false}}' }

/** What can be completed of one prompt or template. */
interface Completable {
  readonly item: Item
  readonly names: readonly string[]
  readonly completers: ReadonlyMap<string, Complete>
  readonly template: UriTemplate | undefined
}

/**
 * Answers `completion/complete`. The prompt or template was judged before, like any use of it; a value that would make
 * the address of a resource which the caller may not read is left out besides (requirement G66).
 */
export function complete(
  offer: Offer,
  runCall: RunCall,
  message: Message,
  context: RunContext,
): Outcome | Promise<Outcome> {
  const { item, params } = message
  const completable = item && findCompletable(offer, item)
  if (completable === undefined) return unknown(item, context)
  const asked = readAsked(params)
  if (asked === undefined) return invalid('"argument" must have a "name" and a "value", both strings')
  const { name, value, others } = asked
  if (!completable.names.includes(name)) return invalid(`there is no argument "${name.slice(0, 128)}"`)
  const completer = completable.completers.get(name)
  if (completer === undefined) return none

  const end = runCall(
    {
      item: completable.item,
      timeoutSeconds: undefined,
      run: (_: undefined, call) => completer(value, others, call),
      finish: (values) =>
        writeValues(values, (choice) => mayBeNamed(completable, { ...others, [name]: choice }, context)),
    },
    undefined,
    message,
    context,
    noRounds,
  )
  return outcomeOfRun(end, (json) => ({ kind: 'result', json }))
}

function findCompletable({ prompts, resources }: Offer, item: Item): Completable | undefined {
  if (item.kind === 'prompt') {
    const entry = prompts.find(item.name)
    return entry && { item, names: entry.argumentNames, completers: entry.completers, template: undefined }
  }
  const entry = resources.findTemplate(item.name)
  return (
    entry && { item, names: entry.template.variables, completers: entry.completers, template: entry.template }
  )
}

function readAsked(
  params: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly value: string; readonly others: Variables } | undefined {
  const { name, value } = fieldsOf(params['argument'])
  if (typeof name !== 'string' || typeof value !== 'string') return undefined
  const known = Object.entries(fieldsOf(fieldsOf(params['context'])['arguments']))
  // Each value has been seen to be a string.
  const others = Object.fromEntries(known.filter(([, other]) => typeof other === 'string')) as Variables
  return { name, value, others }
}

function mayBeNamed({ template }: Completable, values: Variables, context: RunContext): boolean {
  const uri = template?.expand(values)
  return uri === undefined || context.allows({ kind: 'resource', name: uri })
}

/**
 * The answer of another server without the values that would make the address of a resource which the caller may not
 * read. Of a template that cannot be read, no value can be judged, and none is shown.
 */
export function shownCompletion(outcome: Outcome, { params }: Message, context: RunContext): Outcome {
  const { type, uri } = fieldsOf(params['ref'])
  if (outcome.kind !== 'result' || type === 'ref/prompt') return outcome
  const asked = readAsked(params)
  const template = typeof uri === 'string' ? parseUriTemplate(uri) : undefined
  if (asked === undefined || template === undefined || typeof template === 'string') return none
  // The source has seen to it that it is an object.
  const { values, ...rest } = fieldsOf((JSON.parse(outcome.json) as Fields)['completion'])
  const given = Array.isArray(values) ? (values as readonly unknown[]) : []
  const shown = given.filter((value) => {
    const expanded = template.expand({ ...asked.others, [asked.name]: String(value) })
    return expanded === undefined || context.allows({ kind: 'resource', name: expanded })
  })
  if (shown.length === given.length) return outcome
  return { ...outcome, json: JSON.stringify({ completion: { ...rest, values: shown, total: shown.length } }) }
}

function writeValues(values: readonly string[], allowed: (value: string) => boolean): string {
  const shown = values.filter(allowed)
  return JSON.stringify({
    completion: {
      values: shown.slice(0, mostValues),
      total: shown.length,
      hasMore: shown.length > mostValues,
    },
  })
}
