import { readFileSync } from 'node:fs'
import { parseUsers, type DevelopmentUser } from '@mcp-doorman/development-issuer'
import { LineCounter, isNode, isPair, parseDocument, type Document } from 'yaml'
import { messageOf, UsageError } from './failure.ts'

interface Mistake {
  readonly offset: number
  readonly text: string
}

/**
 * Reads the users of the development issuer from a YAML or JSON file: `users`, a list of names, passwords and what else
 * is known of each.
 *
 * @param scopes - what `mayConsentTo` can name
 * @throws {UsageError} that lists every mistake with its line and column
 */
export function readUsersFile(path: string, scopes: readonly string[]): readonly DevelopmentUser[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`The file of users ${path} cannot be read: ${messageOf(error)}.`)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const read = readUsers(document, scopes)
  if (read.mistakes.length === 0) return read.users
  const said = read.mistakes
    .toSorted((one, other) => one.offset - other.offset)
    .map(({ offset, text: words }) => {
      const { line, col } = lines.linePos(offset)
      return `${path}:${line}:${col}  ${words}`
    })
  const count = said.length === 1 ? '1 problem' : `${said.length} problems`
  throw new UsageError(`The file of users cannot be used.\n${said.join('\n')}\n${count}.`)
}

function readUsers(
  document: Document.Parsed,
  scopes: readonly string[],
): { readonly users: readonly DevelopmentUser[]; readonly mistakes: readonly Mistake[] } {
  if (document.errors.length > 0) {
    return {
      users: [],
      mistakes: document.errors.map(({ pos: [offset], message }) => ({ offset, text: message })),
    }
  }
  let content: unknown
  try {
    content = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    return { users: [], mistakes: [{ offset: 0, text: messageOf(error) }] }
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content) || !('users' in content)) {
    return { users: [], mistakes: [{ offset: 0, text: 'begin with "users:" and a list of them below it.' }] }
  }
  const mistakes: Mistake[] = Object.keys(content)
    .filter((key) => key !== 'users')
    .map((key) => ({
      offset: offsetOf(document, [key]),
      text: `${key}: is unknown; only "users" can be here.`,
    }))
  const answer = parseUsers(content.users)
  if (!answer.ok) {
    for (const { path, problem } of answer.mistakes) {
      mistakes.push({
        offset: offsetOf(document, ['users', ...path]),
        text: `${formatPath(path)}: ${problem}.`,
      })
    }
    return { users: [], mistakes }
  }
  for (const [index, { mayConsentTo = [] }] of answer.users.entries()) {
    for (const [place, scope] of mayConsentTo.entries()) {
      if (scopes.includes(scope)) continue
      const path = [index, 'mayConsentTo', place]
      const text = `${formatPath(path)}: there is no scope ${scope}; known: ${scopes.join(', ')}.`
      mistakes.push({ offset: offsetOf(document, ['users', ...path]), text })
    }
  }
  return { users: answer.users, mistakes }
}

function formatPath(path: readonly (string | number)[]): string {
  return `users${path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('')}`
}

/** Where something stands: the key of a member, or else the nearest thing around it that is there. */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number {
  const key = path.at(-1)
  const parent: unknown = document.getIn(path.slice(0, -1), true)
  if (typeof key === 'string' && isNode(parent) && 'items' in parent && Array.isArray(parent.items)) {
    const pair: unknown = parent.items.find(
      (item: unknown) => isPair(item) && String(Object(item.key).value) === key,
    )
    if (isPair(pair) && isNode(pair.key)) return pair.key.range?.[0] ?? 0
  }
  const node: unknown = document.getIn([...path], true)
  if (isNode(node)) return node.range?.[0] ?? 0
  return path.length === 0 ? 0 : offsetOf(document, path.slice(0, -1))
}
