import type { Readable, Writable } from 'node:stream'
import { isCancel, password, select, text } from '@clack/prompts'
import { UsageError } from '../failure.ts'

/** Where somebody sits who can be asked. */
export interface Terminal {
  readonly input: Readable
  readonly output: Writable
}

/** Questions go to standard error, so that output can be piped. */
const ours: Terminal = { input: process.stdin, output: process.stderr }

/** Whether somebody is there to be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/**
 * Asks for something that is not shown while it is typed.
 *
 * @throws {UsageError} when the person gives up
 */
export async function askSecret(message: string, terminal = ours): Promise<string> {
  return given(await password({ message, validate: required, ...terminal }))
}

/** @throws {UsageError} when the person gives up */
export async function askText(message: string, initialValue: string, terminal = ours): Promise<string> {
  return given(await text({ message, initialValue, validate: required, ...terminal }))
}

/** @throws {UsageError} when the person gives up */
export async function askChoice<Value extends string>(
  message: string,
  options: readonly { readonly value: Value; readonly label: string }[],
  terminal = ours,
): Promise<Value> {
  // The library types an option by what it may be; each of ours is a text with a label.
  const answer: unknown = await select<string>({ message, options: [...options], ...terminal })
  const chosen = options.find(({ value }) => value === answer)
  if (chosen === undefined) throw new UsageError(givenUp)
  return chosen.value
}

const givenUp = 'Nothing was done, since a question was left without an answer.'

function required(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? 'It cannot be empty.' : undefined
}

function given(answer: string | symbol): string {
  if (isCancel(answer) || typeof answer !== 'string') throw new UsageError(givenUp)
  return answer
}
