import { hash } from 'node:crypto'

/**
 * The line that seals the lines before it, back to the last seal.
 *
 * Its hash covers the previous seal's hash, so a line cannot be changed, taken out or put in without breaking every
 * later seal. Whoever can rewrite the whole file can rewrite the chain: keep the last hash elsewhere to notice that.
 */
export function formatSeal(
  previous: string,
  lines: readonly string[],
): { readonly line: string; readonly hash: string } {
  const sealed = hash('sha256', `${previous}\n${lines.join('\n')}`, 'hex')
  return { line: `{"kind":"seal","lines":${lines.length},"hash":"${sealed}"}`, hash: sealed }
}

const sealPattern = /^\{"kind":"seal","lines":([0-9]+),"hash":"([0-9a-f]{64})"\}$/

export interface ParsedSeal {
  readonly lines: number
  readonly hash: string
}

/** Reads a seal; `undefined` for any other line. */
export function parseSeal(line: string): ParsedSeal | undefined {
  const [, lines, sealed] = sealPattern.exec(line) ?? []
  return lines === undefined || sealed === undefined ? undefined : { lines: Number(lines), hash: sealed }
}

export type ChainCheck =
  | { readonly ok: true; readonly records: number; readonly unsealed: number; readonly lastHash: string }
  /** `line` counts from 1: the seal that does not fit the lines before it. */
  | { readonly ok: false; readonly line: number }

/**
 * Checks a log, line by line, in the memory of one batch.
 *
 * Unsealed lines at the end are not an error: the process may have been killed before it sealed them.
 */
export async function verifyChain(lines: AsyncIterable<string> | Iterable<string>): Promise<ChainCheck> {
  let previous = ''
  let batch: string[] = []
  let number = 0
  let records = 0
  for await (const line of lines) {
    number += 1
    const seal = parseSeal(line)
    if (seal === undefined) {
      batch.push(line)
      records += 1
      continue
    }
    if (seal.lines !== batch.length || formatSeal(previous, batch).hash !== seal.hash) {
      return { ok: false, line: number }
    }
    previous = seal.hash
    batch = []
  }
  return { ok: true, records, unsealed: batch.length, lastHash: previous }
}
