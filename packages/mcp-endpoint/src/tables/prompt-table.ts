import type { Item, Rule } from '@mcp-doorman/resource-server'
import { ruleOf } from '../access.ts'
import type { Runnable } from '../calls/run-call.ts'
import type { Prompt, PromptArguments, PromptOutput } from '../prompts.ts'
import type { Complete } from '../resources.ts'
import { isItemName, itemNameRule } from './item-name.ts'
import type { Listed } from './item-list.ts'

export interface PromptEntry extends Listed {
  readonly runnable: Runnable<PromptArguments, PromptOutput, string>
  /** The arguments of a call, or what is wrong with them. */
  readonly readArguments: (given: unknown) => PromptArguments | string
  readonly argumentNames: readonly string[]
  readonly completers: ReadonlyMap<string, Complete>
}

export interface PromptTable {
  readonly entries: readonly PromptEntry[]
  readonly find: (name: string) => PromptEntry | undefined
  readonly rules: readonly Rule[]
}

/** @param problems - receives every prompt that cannot be offered, and why; the result must then not be used */
export function createPromptTable(prompts: readonly Prompt[], problems: string[]): PromptTable {
  const entries = new Map<string, PromptEntry>()
  for (const prompt of prompts) {
    const place = `prompt "${prompt.name}"`
    if (!isItemName(prompt.name)) problems.push(`${place}: a prompt's name has ${itemNameRule}`)
    if (entries.has(prompt.name)) problems.push(`${place}: there are two prompts of that name`)
    if (typeof prompt.get !== 'function') problems.push(`${place}.get: must be a function`)
    entries.set(prompt.name, compilePrompt(prompt))
  }
  return {
    entries: [...entries.values()],
    find: (name) => entries.get(name),
    rules: prompts.flatMap(({ name, access }) =>
      access === undefined ? [] : [ruleOf('prompt', name, access)],
    ),
  }
}

function compilePrompt(prompt: Prompt): PromptEntry {
  const { name, title, description, arguments: args = {}, get } = prompt
  const item: Item = Object.freeze({ kind: 'prompt', name })
  const shown = Object.entries(args).map(([name, { title, description, required }]) => ({
    name,
    title,
    description,
    required,
  }))
  const completers = Object.entries(args).flatMap(([name, { complete }]) =>
    complete === undefined ? [] : ([[name, complete]] as const),
  )
  return {
    item,
    text: JSON.stringify({ name, title, description, ...(shown.length > 0 && { arguments: shown }) }),
    runnable: {
      item,
      timeoutSeconds: undefined,
      run: (given, context) => get.call(prompt, given, context),
      finish: writeMessages,
    },
    readArguments: (given) => readArguments(args, given),
    argumentNames: Object.keys(args),
    completers: new Map(completers),
  }
}

function readArguments(declared: NonNullable<Prompt['arguments']>, given: unknown): PromptArguments | string {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return '"arguments" must be an object'
  const read: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(declared, name)) return `there is no argument "${name.slice(0, 128)}"`
    if (typeof value !== 'string') return `the argument "${name}" must be a string`
    read[name] = value
  }
  const missing = Object.keys(declared).find(
    (name) => declared[name]?.required === true && !Object.hasOwn(read, name),
  )
  return missing === undefined ? read : `the argument "${missing}" is missing`
}

function writeMessages(output: PromptOutput): string {
  if (typeof output === 'string') {
    return JSON.stringify({ messages: [{ role: 'user', content: { type: 'text', text: output } }] })
  }
  // A prompt in plain JavaScript may return anything.
  const { messages, description } = output as Partial<Exclude<PromptOutput, string>>
  if (!Array.isArray(messages)) throw new TypeError('The result is no text and has no "messages".')
  return JSON.stringify({ ...(description !== undefined && { description }), messages })
}
