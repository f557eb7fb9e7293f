import { examples } from '../examples/check/examples.ts'
import type { ToolChain } from './tool-chains.ts'

/** A group of test files that is run, or left out, as one. */
export interface Suite {
  readonly name: string
  /** Globs for the test runner. */
  readonly files: readonly string[]
  /** About how long it takes on 2 cores, in minutes. */
  readonly minutes: number
  /** Commands that must be on the machine. */
  readonly needs?: readonly ToolChain[]
  /** Runs again in `test:all`, with more rounds. */
  readonly hasLongRounds?: boolean
  /** Runs in `test:all` only, or when it is named: it builds what needs more than Node, or takes long. */
  readonly onlyInAll?: boolean
}

/** Every test of the project. */
export const suites: readonly Suite[] = [
  { name: 'outbound', files: ['packages/outbound/test/*.test.ts'], minutes: 0.3 },
  {
    name: 'resource-server',
    files: ['packages/resource-server/test/*.test.ts'],
    minutes: 0.7,
    hasLongRounds: true,
  },
  {
    name: 'mcp-endpoint',
    files: ['packages/mcp-endpoint/test/*.test.ts'],
    minutes: 0.7,
    hasLongRounds: true,
  },
  { name: 'files', files: ['packages/files/test/*.test.ts'], minutes: 1.8, hasLongRounds: true },
  { name: 'gateway', files: ['packages/gateway/test/*.test.ts'], minutes: 0.5, hasLongRounds: true },
  { name: 'authorization-server', files: ['packages/authorization-server/test/*.test.ts'], minutes: 0.5 },
  { name: 'development-issuer', files: ['packages/development-issuer/test/*.test.ts'], minutes: 1 },
  { name: 'casdoor', files: ['packages/casdoor/test/*.test.ts', 'test/casdoor/*.test.ts'], minutes: 0.5 },
  { name: 'cli', files: ['packages/cli/test/*.test.ts'], minutes: 0.4 },
  { name: 'project', files: ['test/project/*.test.ts'], minutes: 0.3 },
  { name: 'bench', files: ['bench/test/*.test.ts'], minutes: 0.1 },
  { name: 'end-to-end', files: ['test/end-to-end/*.test.ts'], minutes: 3.5, hasLongRounds: true },
  { name: 'examples', files: ['test/examples/*.test.ts', 'examples/sdk-2/*.test.ts'], minutes: 0.5 },
  { name: 'clients', files: ['test/clients/*.test.ts'], minutes: 0.5 },
  { name: 'conformance', files: ['test/conformance/*.test.ts'], minutes: 0.3 },
  {
    name: 'browser',
    files: ['test/browser/*.test.ts'],
    minutes: 0.5,
    needs: [{ command: 'chromium', package: 'chromium' }],
  },
  {
    name: 'client-python',
    files: ['test/clients/languages/python.test.ts'],
    minutes: 1,
    needs: [{ command: 'python3', package: 'python3-venv' }],
    onlyInAll: true,
  },
  {
    name: 'client-go',
    files: ['test/clients/languages/go.test.ts'],
    minutes: 0.5,
    needs: [{ command: 'go', package: 'golang-go, 1.26 or newer' }],
    onlyInAll: true,
  },
  {
    name: 'server-python',
    files: ['test/languages/python.test.ts'],
    minutes: 1,
    needs: [{ command: 'python3', package: 'python3-venv' }],
    onlyInAll: true,
  },
  {
    name: 'server-go',
    files: ['test/languages/go.test.ts'],
    minutes: 0.5,
    needs: [{ command: 'go', package: 'golang-go, 1.26 or newer' }],
    onlyInAll: true,
  },
  ...examples.flatMap(suiteOf),
]

/** The examples in other languages have a suite each, so that those run whose language is there. */
function suiteOf({ name, needs, minutes }: (typeof examples)[number]): readonly Suite[] {
  if (needs === undefined) return []
  const files = [`test/examples/languages/${name}.test.ts`]
  return [{ name: `example-${name}`, files, minutes, needs, onlyInAll: true }]
}
