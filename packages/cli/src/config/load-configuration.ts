import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { messageOf } from '../failure.ts'
import { readConfiguration, type Reading } from './read-configuration.ts'
import { maxTextLength } from './yaml-text.ts'

/** A configuration that was read from a file, and the text that it was read from. */
export type LoadedConfiguration = Reading & { readonly text: string }

/**
 * Reads a configuration file.
 *
 * @throws {Error} that says what to do, when the file cannot be read
 */
export function loadConfiguration(file: string): LoadedConfiguration {
  const text = readText(file)
  return { ...readConfiguration(text, resolve(file), file), text }
}

function readText(file: string): string {
  let descriptor: number
  try {
    // What is no file, such as a pipe, must not be waited for.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error(
        `${file} does not exist. Name a file with --config, or write one with "doorman config init".`,
        { cause: error },
      )
    }
    throw new Error(`${file} cannot be read: ${messageOf(error)}`, { cause: error })
  }
  try {
    const status = fstatSync(descriptor)
    if (!status.isFile()) throw new Error(`${file} is not a file. Name one with --config.`)
    // Each character takes at most four bytes.
    if (status.size > 4 * maxTextLength) {
      throw new Error(
        `${file} has ${status.size} bytes, which is no configuration. Name another with --config.`,
      )
    }
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}
