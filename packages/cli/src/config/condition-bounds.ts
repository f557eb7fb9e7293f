import type { ASTNode } from '@marcbachmann/cel-js'

/** What an expression does, as far as its time depends on it. */
export interface ExpressionShape {
  /** Why it is not taken. */
  readonly problem: string | undefined
  /** Whether it looks at anything of a call. */
  readonly looks: boolean
  /** The arguments that it looks at. */
  readonly named: Bounded
  /** The arguments whose size must be bounded before it is evaluated; `undefined` when time grows with them alone. */
  readonly bounded: Bounded | undefined
}

/** Names of arguments, or every one. */
export type Bounded = ReadonlySet<string> | 'everything'

/** Each takes no longer than its operands are. */
const functions: ReadonlySet<string> = new Set([
  'size',
  'has',
  'startsWith',
  'endsWith',
  'contains',
  'lowerAscii',
  'upperAscii',
  'trim',
  'int',
  'double',
  'string',
  'bool',
  'dyn',
])
const loops: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map'])
const variables: ReadonlySet<string> = new Set(['args', 'identity', 'client', 'item'])
const mostMembers = 1000
const mostCharacters = 16_384

/**
 * Looks at everything that an expression does.
 *
 * A caller chooses the arguments, so time has to be bounded by their size. One operation takes no longer than its
 * operands are long, but for two: a loop does something for each member, and `contains` with a text that is not
 * written in the expression may try it at each place. Where there is one of these, the arguments are counted first;
 * a loop within the body of another is not taken.
 */
export function lookAtExpression(ast: ASTNode): ExpressionShape {
  let problem: string | undefined
  let looks = false
  let grows = false
  let everything = false
  const named = new Set<string>()

  function visit(node: ASTNode, inLoop: boolean): void {
    if (node.op === 'id') {
      looks ||= variables.has(node.args)
      // By itself, not by the name of a member: all of it may be looked at.
      if (node.args === 'args') everything = true
      return
    }
    if (node.op === '.' || node.op === '[]') {
      const [of, member] = node.args
      const name = typeof member === 'string' ? member : literalText(member)
      if (of.op === 'id' && of.args === 'args' && name !== undefined) {
        looks = true
        named.add(name)
        return
      }
    }
    if (node.op === 'call') judgeCall(node.args[0], node.args[1], inLoop)
    if (node.op === 'rcall') {
      const [name, receiver, given] = node.args
      judgeCall(name, given, inLoop)
      visit(receiver, inLoop)
      for (const argument of given) visit(argument, inLoop || loops.has(name))
      return
    }
    for (const inner of nodesIn(node.args)) visit(inner, inLoop)
  }

  function judgeCall(name: string, given: readonly ASTNode[], inLoop: boolean): void {
    if (loops.has(name)) {
      grows = true
      if (inLoop) problem ??= `has a loop (${name}) within a loop, which could take too long. Take one out.`
    } else if (name === 'matches') {
      problem ??=
        'uses "matches", and a pattern can take longer than the text is. Use startsWith, endsWith, contains or ==.'
    } else if (!functions.has(name)) {
      problem ??= `uses "${name}", which is not offered. There are ${[...functions, ...loops].join(', ')}.`
    } else if (name === 'contains' && given.some((argument) => literalText(argument) === undefined)) {
      grows = true
    }
  }

  visit(ast, false)
  const all = everything ? 'everything' : named
  return { problem, looks, named: all, bounded: grows ? all : undefined }
}

/**
 * Whether a server that takes no heed of case may read another argument than the condition does: many decoders of JSON
 * fill the field `path` from `Path` too, and from whichever comes last.
 */
export function hasDoubles(named: Bounded, args: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(args)
  if (named === 'everything') return new Set(names.map(folded)).size < names.length
  const looked = new Set([...named].map(folded))
  return names.some((name) => !named.has(name) && looked.has(folded(name)))
}

/** Both ways, since some letters, such as the long s, meet others only in one of them. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** Whether the arguments have at most 1000 members and 16384 characters together, names included. */
export function isBoundedBy(bounded: Bounded, args: Readonly<Record<string, unknown>>): boolean {
  let members = 0
  let characters = 0
  const left: unknown[] =
    bounded === 'everything'
      ? [args]
      : [...bounded].flatMap((name) => (Object.hasOwn(args, name) ? [args[name]] : []))
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value === 'string') characters += value.length
    else if (Array.isArray(value)) {
      members += value.length
      if (members <= mostMembers) left.push(...(value as readonly unknown[]))
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        members += 1
        characters += name.length
        if (members > mostMembers) break
        left.push(inner)
      }
    }
    if (members > mostMembers || characters > mostCharacters) return false
  }
  return true
}

function literalText(node: ASTNode): string | undefined {
  return node.op === 'value' && typeof node.args === 'string' ? node.args : undefined
}

/** Every node right inside of what a node has. */
function nodesIn(value: unknown): readonly ASTNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn)
  // Nothing else in a tree has an operator.
  return typeof value === 'object' && value !== null && 'op' in value ? [value as ASTNode] : []
}
