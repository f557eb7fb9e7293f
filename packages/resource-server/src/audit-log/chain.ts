import { createHash } from 'node:crypto'

/**
 * The line that seals the lines before it, back to the last seal.
 *
 * Its hash covers the previous seal's hash, so a line cannot be changed, taken out or put in without breaking every
 * later seal. Whoever can rewrite the whole file can rewrite the chain: keep the last hash elsewhere to notice that.
 *
 * @param text - the lines, each with its end
 */
export function formatSeal(previous: string, lines: number, text: Buffer): Seal {
  const sealed = createHash('sha256').update(`${previous}\n`).update(text).digest('hex')
  return { line: `{"kind":"seal","lines":${lines},"hash":"${sealed}"}`, hash: sealed }
}

export interface Seal {
  /** The line, without its end. */
  readonly line: string
  readonly hash: string
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

/** What a log's seals say of its lines. */
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
    if (seal.lines !== batch.length || formatSeal(previous, batch.length, textOf(batch)).hash !== seal.hash) {
      return { ok: false, line: number }
    }
    previous = seal.hash
    batch = []
  }
  return { ok: true, records, unsealed: batch.length, lastHash: previous }
}

/** Lines as they stand in the file. */
export function textOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.length === 0 ? '' : `${lines.join('\n')}\n`)
}
