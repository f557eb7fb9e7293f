import { statSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * The words of a command, with those that are paths of a folder made absolute: the program if it has a `/` in it, and
 * what begins with `./` or `../`. A program runs in a folder of its own, where they would name nothing.
 */
export function resolveWords(words: readonly string[], folder: string): string[] {
  return words.map((word, index) =>
    /^\.{1,2}(?:\/|$)/.test(word) || (index === 0 && word.includes('/')) ? resolve(folder, word) : word,
  )
}

/**
 * What is wrong with a word that names a file of the folder, as people write it whose command runs there: at best
 * nothing would be found.
 *
 * @returns the place of the word, and what to write; `undefined` when there is none
 */
export function findStrayFile(
  words: readonly string[],
  folder: string,
): { readonly index: number; readonly message: string } | undefined {
  // A word that begins with a dot, a slash or a dash is none that could be meant so.
  const index = words.findIndex(
    (word, place) => place > 0 && !/^[./-]/.test(word) && isFile(resolve(folder, word)),
  )
  const word = words[index]
  if (word === undefined) return undefined
  return {
    index,
    message: `"${word}" is a file here, but the program runs in a folder of its own. Write "./${word}"`,
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true
  } catch {
    return false // A word that cannot be a path.
  }
}
