import { readFileSync } from 'node:fs'
import { parseUsers, type DevelopmentUser } from '@mcp-doorman/development-issuer'
import { formatPath, formatProblems, type Path } from './config/problems.ts'
import { readYaml, type YamlText } from './config/yaml-text.ts'
import { messageOf, UsageError } from './failure.ts'

interface Mistake {
  /** From the top of the file. */
  readonly path: Path
  readonly problem: string
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
  const yaml = readYaml(text)
  const { users, mistakes } =
    yaml.problems.length > 0 ? { users: [], mistakes: [] } : readUsers(yaml.value, scopes)
  const problems = [...yaml.problems, ...mistakes.map((mistake) => place(yaml, mistake))]
  if (problems.length === 0) return users
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  throw new UsageError(`The file of users cannot be used.\n${formatProblems(path, problems)}${count}.`)
}

function readUsers(
  content: unknown,
  scopes: readonly string[],
): { readonly users: readonly DevelopmentUser[]; readonly mistakes: readonly Mistake[] } {
  if (typeof content !== 'object' || content === null || Array.isArray(content) || !('users' in content)) {
    return { users: [], mistakes: [{ path: [], problem: 'begin with "users:" and a list of them below it' }] }
  }
  const mistakes: Mistake[] = Object.keys(content)
    .filter((key) => key !== 'users')
    .map((key) => ({ path: [key], problem: 'is unknown; only "users" can be here' }))
  const answer = parseUsers(content.users)
  if (!answer.ok) {
    const inUsers = answer.mistakes.map(({ path, problem }) => ({ path: ['users', ...path], problem }))
    return { users: [], mistakes: [...mistakes, ...inUsers] }
  }
  for (const [index, { mayConsentTo = [] }] of answer.users.entries()) {
    for (const [at, scope] of mayConsentTo.entries()) {
      if (scopes.includes(scope)) continue
      const problem = `there is no scope ${scope}; known: ${scopes.join(', ')}`
      mistakes.push({ path: ['users', index, 'mayConsentTo', at], problem })
    }
  }
  return { users: answer.users, mistakes }
}

function place(yaml: YamlText, { path, problem }: Mistake): YamlText['problems'][number] {
  const message = path.length === 0 ? `${problem}.` : `${formatPath(path)}: ${problem}.`
  return { ...yaml.locate({ path, at: 'key' }), message }
}
