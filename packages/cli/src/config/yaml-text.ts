import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml'
import type { Path, Place, Problem } from './problems.ts'

/** A text of YAML, as the value that it says and the places where it says it. */
export interface YamlText {
  /** `undefined` when there is a problem. */
  readonly value: unknown
  readonly problems: readonly (Place & { readonly message: string })[]
  /** Where a problem with the value stands: the value itself, its key, or the nearest that is there. */
  readonly locate: (problem: Pick<Problem, 'path' | 'at'>) => Place
}

/** Longest text that is looked at, in characters. */
export const maxTextLength = 1_048_576
const maxDepth = 32
const tooDeep = `The file is nested too deeply: more than ${maxDepth} levels are not read.`

/**
 * Reads YAML 1.2 in its plain core: maps with names as keys, lists, and values. Never throws.
 *
 * Anchors, aliases, merge keys and tags are refused: with them a value stands elsewhere than where it has its effect,
 * and a few lines can stand for millions.
 */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter()
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const nothing = (message: string): YamlText => {
    const place = { line: 1, column: 1 }
    return { value: undefined, problems: [{ ...place, message }], locate: () => place }
  }
  if (text.length > maxTextLength) {
    return nothing(
      `The file has more than ${maxTextLength} characters. Split it, or look for what is not configuration.`,
    )
  }
  let document: Document.Parsed
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return nothing(tooDeep)
  }
  if (document.errors.length > 0) {
    const [first] = document.errors
    // What follows the first is mostly its consequence, but for keys, each of which stands for itself.
    const shown = document.errors.filter((error) => error === first || error.code === 'DUPLICATE_KEY')
    return {
      value: undefined,
      problems: shown.map((error) => ({ ...placeOf(error.pos[0]), message: sayYamlError(error) })),
      locate: () => placeOf(0),
    }
  }
  const refused: { offset: number; message: string }[] = []
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
    refused.push({ offset: 0, message: 'Only YAML 1.2 is read. Remove the %YAML line.' })
  }
  lookForTraps(document.contents, 0, refused)
  return {
    value: refused.length > 0 ? undefined : document.toJS(),
    problems: refused.map(({ offset, message }) => ({ ...placeOf(offset), message })),
    locate: (problem) => placeOf(offsetOf(document.contents, problem)),
  }
}

function lookForTraps(node: unknown, depth: number, refused: { offset: number; message: string }[]): void {
  const refuse = (at: Node, message: string): void => void refused.push({ offset: startOf(at), message })
  if (isAlias(node)) {
    refuse(node, 'Aliases (*name) are not read here. Write the value out.')
    return
  }
  if (!isMap(node) && !isSeq(node) && !isScalar(node)) return
  if (node.anchor !== undefined) refuse(node, 'Anchors (&name) are not read here. Remove the anchor.')
  if (node.tag !== undefined) refuse(node, 'Tags (!name) are not read here. Remove the tag.')
  if (isScalar(node)) return
  if (depth >= maxDepth) {
    refuse(node, tooDeep)
    return
  }
  if (isSeq(node)) {
    for (const item of node.items) lookForTraps(item, depth + 1, refused)
    return
  }
  for (const { key, value } of node.items) {
    const problem = problemOfKey(key)
    // A key that is no node at all does not come out of a text.
    if (problem !== undefined) refuse(key as Node, problem)
    else lookForTraps(value, depth + 1, refused)
  }
}

function problemOfKey(key: unknown): string | undefined {
  if (!isScalar(key) || typeof key.value !== 'string') return 'A key must be text. Write it in quotes.'
  if (key.value === '<<') return 'Merge keys (<<) are not read here. Write the members out.'
  if (key.value === '__proto__') return '"__proto__" cannot be a name. Choose another.'
  if (key.anchor !== undefined || key.tag !== undefined) return 'A key can have no anchor or tag. Remove it.'
  return undefined
}

function offsetOf(contents: unknown, { path, at }: Pick<Problem, 'path' | 'at'>): number {
  let node: unknown = contents
  let offset = startOf(contents)
  for (const [index, step] of path.entries()) {
    const inner = stepInto(node, step)
    if (inner === undefined) return offset
    const isLast = index === path.length - 1
    const keyOffset = inner.key === undefined ? undefined : startOf(inner.key)
    const valueOffset = isNode(inner.value) ? startOf(inner.value) : undefined
    const wanted = isLast && at === 'key' ? (keyOffset ?? valueOffset) : (valueOffset ?? keyOffset)
    offset = wanted ?? offset
    node = inner.value
    // What is missing in a map is told at the map's own key, which is easier to find than its first member.
    if (!isLast && keyOffset !== undefined && stepInto(node, path[index + 1] ?? '') === undefined) {
      return keyOffset
    }
  }
  return offset
}

function stepInto(
  node: unknown,
  step: Path[number],
): { readonly key?: unknown; readonly value: unknown } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const value = node.items[step]
    return value === undefined ? undefined : { value }
  }
  if (!isMap(node)) return undefined
  return node.items.find(({ key }) => isScalar(key) && key.value === step)
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value)
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0
}

const indentation =
  'The indentation fits nothing above. Put it under what it belongs to; text with ": " in it needs quotes.'

/** The mistakes of YAML in our words, since the library's may repeat what stands in the file. */
const yamlMistakes: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  TAB_AS_INDENT: 'YAML is indented by spaces only. Replace the tab.',
  DUPLICATE_KEY: 'This key stands here twice. Remove one of the two.',
  MULTIPLE_DOCS: 'The file has a second document, after "---". Remove it.',
  BAD_INDENT: indentation,
  BLOCK_IN_FLOW: indentation,
  BLOCK_AS_IMPLICIT_KEY: indentation,
  MISSING_CHAR:
    'Something is missing before this: a quote, a bracket, a colon after a key, or its right indentation.',
  RESOURCE_EXHAUSTION: tooDeep,
  BAD_DIRECTIVE: 'Only YAML 1.2 is read. Remove the line that begins with "%".',
}

function sayYamlError({ code }: YAMLError): string {
  return (
    yamlMistakes[code] ??
    'This is not YAML. Look for a missing quote, colon or space here and in the line before.'
  )
}
