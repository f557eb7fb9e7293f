import { readFileSync, globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder of the whole project. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))

export interface SourceFile {
  /** From the project's folder, with `/`. */
  readonly path: string
  readonly text: string
  /** What it imports, values and types alike. */
  readonly imports: readonly string[]
}

/** Reads the TypeScript files that a glob names, below the project's folder. */
export function readSources(pattern: string): readonly SourceFile[] {
  return globSync(pattern, { cwd: projectRoot })
    .sort()
    .map((path) => {
      const text = readFileSync(`${projectRoot}/${path}`, 'utf8')
      return { path, text, imports: importsOf(text) }
    })
}

const specifier =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)import '([^']+)'/g

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(specifier)].flatMap(([, a, b, c]) => a ?? b ?? c ?? [])
}
