import type { ToolChain } from '../../tools/tool-chains.ts'

/** A server in a folder of `examples/`, as the check starts it. */
export interface Example {
  /** The folder. */
  readonly name: string
  /** A directory, by the tools of the guide; or notes, which is how the examples of frameworks are kept short. */
  readonly serves: 'files' | 'notes'
  /** Serves clients of 2025 in sessions, so that calls which come alone are made as in 2026-07-28. */
  readonly hasSessions?: boolean
  /** Answers `GET /tools/list` and `POST /tools/call` too. */
  readonly hasPlainForm?: boolean
  /** Has pages of its own beside the protected ones. */
  readonly hasOpenPage?: boolean
  /** Commands beside Node that must be on the machine. */
  readonly needs?: readonly ToolChain[]
  /** Run in the folder, once, before anything is started. Must be quick when there is nothing to do. */
  readonly build?: Command
  /** Run in the folder. Starts the server; see README.md for what it is told and what it must print. */
  readonly run: Command
  /** Run in the folder: the example's own tests. */
  readonly test?: Command
  /** About how long build and check take on 2 cores without anything cached, in minutes. */
  readonly minutes: number
}

export type Command = readonly [string, ...string[]]

const node: Command = [process.execPath, 'server.ts']
const frameworks = { serves: 'notes', run: node, minutes: 0.2 } as const

/** Every example that the check is made for. */
export const examples: readonly Example[] = [
  { name: 'node', serves: 'files', run: node, test: [process.execPath, '--test'], minutes: 0.3 },
  {
    name: 'python',
    serves: 'files',
    needs: [{ command: 'python3', package: 'python3-venv' }],
    build: ['./build'],
    run: ['./run'],
    test: ['./test'],
    minutes: 1,
  },
  {
    name: 'go',
    serves: 'files',
    hasPlainForm: true,
    needs: [{ command: 'go', package: 'golang-go, 1.26 or newer' }],
    build: ['./build'],
    run: ['./run'],
    test: ['./test'],
    minutes: 2,
  },
  {
    name: 'rust',
    serves: 'files',
    needs: [{ command: 'cargo', package: 'cargo, 1.88 or newer' }],
    build: ['./build'],
    run: ['./run'],
    test: ['./test'],
    minutes: 3,
  },
  {
    name: 'java',
    serves: 'files',
    needs: [
      { command: 'javac', package: 'openjdk-17-jdk-headless' },
      { command: 'mvn', package: 'maven' },
    ],
    build: ['./build'],
    run: ['./run'],
    test: ['./test'],
    minutes: 2,
  },
  {
    name: 'ruby',
    serves: 'files',
    hasSessions: true,
    hasPlainForm: true,
    needs: [{ command: 'ruby', package: 'ruby' }],
    run: ['./run'],
    test: ['./test'],
    minutes: 0.5,
  },
  {
    name: 'php',
    serves: 'files',
    hasSessions: true,
    hasPlainForm: true,
    needs: [{ command: 'php', package: 'php-cli' }],
    run: ['./run'],
    test: ['./test'],
    minutes: 0.5,
  },
  {
    name: 'any-server',
    serves: 'files',
    hasSessions: true,
    hasPlainForm: true,
    needs: [{ command: 'python3', package: 'python3' }],
    run: ['./run'],
    test: ['./test'],
    minutes: 0.5,
  },
  { name: 'endpoint', ...frameworks, hasPlainForm: true },
  { name: 'sdk-2', ...frameworks },
  { name: 'sdk-1-express', ...frameworks, hasOpenPage: true },
  { name: 'hono', ...frameworks, hasOpenPage: true },
  { name: 'fastify', ...frameworks, hasOpenPage: true },
]

export function findExample(name: string): Example {
  const example = examples.find((each) => each.name === name)
  if (example === undefined) {
    const names = examples.map((each) => each.name).join(', ')
    throw new Error(
      `No example is called "${name}". There are: ${names}. examples/check/examples.ts lists them.`,
    )
  }
  return example
}
