import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Caller, ToolResult } from '@mcp-doorman/mcp-endpoint'
import { nameTemp } from '#internal/walk/temps'
import { type FilesRootOptions, type FilesServer, type OpenerKind, openFilesRoot } from '@mcp-doorman/files'

export const secret = 'SECRET-OUT'
export const openers: readonly OpenerKind[] = ['descriptor-walk', 'realpath']

/** A temp folder in memory where there is one: for tests that write much. */
export const memoryFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** What a test may look at in an answer. Tools answer with these shapes; the schema tests hold them to it. */
export interface Fields {
  readonly path: string
  readonly size: number
  readonly etag: string
  readonly encoding: string
  readonly text: string
  readonly created: boolean
  readonly first_line?: number
  readonly last_line?: number
  readonly next_cursor?: string
  readonly left_out?: number
  readonly mime_type?: string
  readonly diff: string
  readonly diff_complete: boolean
  readonly replacements: number
  readonly matches: readonly { readonly path: string; readonly line: number; readonly text: string }[]
  readonly files_searched: number
  readonly skipped_binary: number
  readonly skipped_large: number
  readonly skipped_unreadable: number
  readonly type: string
  readonly entries: readonly {
    readonly path: string
    readonly type: string
    readonly modified: string
    readonly size?: number
    readonly etag?: string
  }[]
}

/**
 * A root R inside a base B, beside directories that nobody may reach through R, each with a secret:
 * `O`, and neighbours of R whose names a careless comparison would mistake for it.
 */
export class Sandbox {
  readonly base: string
  readonly root: string
  readonly outside: string
  readonly server: FilesServer
  readonly #answers: string[] = []
  readonly #besides: string
  readonly #descriptors: number
  readonly #mayContainSecret: boolean

  constructor(options: Partial<FilesRootOptions> & { folder?: string; mayContainSecret?: boolean } = {}) {
    const { folder = tmpdir(), mayContainSecret = false, ...rest } = options
    this.base = mkdtempSync(join(realpathSync(folder), 'doorman-files-'))
    this.root = join(this.base, 'R')
    this.outside = join(this.base, 'O')
    for (const name of ['R', 'O', 'R_evil', 'R ', 'R"', 'r']) mkdirSync(join(this.base, name))
    for (const name of ['O/secret', 'R_evil/s', 'R /s', 'R"/s', 'r/s']) {
      writeFileSync(join(this.base, name), secret)
    }
    this.put('plain.txt', 'plain\n')
    this.#mayContainSecret = mayContainSecret
    this.#besides = this.#describeBesides()
    this.#descriptors = countDescriptors()
    this.server = openFilesRoot({ directory: this.root, allowWeakOpener: true, ...rest })
  }

  put(path: string, content: string | Uint8Array): void {
    const full = join(this.root, path)
    mkdirSync(join(full, '..'), { recursive: true })
    writeFileSync(full, content)
  }

  bytesOf(path: string): Buffer {
    return readFileSync(join(this.root, path))
  }

  textOf(path: string): string {
    return this.bytesOf(path).toString()
  }

  /** Calls a tool as a transport would after its schema let the arguments pass. */
  call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    context: { caller?: Caller; signal?: AbortSignal } = {},
  ): Promise<ToolResult> {
    return Promise.resolve(this.callNow(name, args, context))
  }

  /** The same, for tests that care whether the answer comes at once. */
  callNow(
    name: string,
    args: Readonly<Record<string, unknown>>,
    context: { caller?: Caller; signal?: AbortSignal } = {},
  ): ToolResult | Promise<ToolResult> {
    const tool = this.server.tools.find((tool) => tool.name === name)
    assert.ok(tool, `tool ${name} is offered`)
    const { caller, signal = new AbortController().signal } = context
    // Tools take `never` because only a schema can vouch for arguments; here the test vouches.
    const answer = tool.call(args as never, { caller, signal })
    if (!(answer instanceof Promise)) {
      this.#answers.push(JSON.stringify(answer))
      return answer
    }
    return answer.then((result) => {
      this.#answers.push(JSON.stringify(result))
      return result
    })
  }

  async ok(name: string, args: Readonly<Record<string, unknown>>, caller?: Caller): Promise<Fields> {
    return fieldsOf(await this.call(name, args, caller === undefined ? {} : { caller }))
  }

  /** Calls, expects a failure with one of these codes, and returns its text. */
  async fails(
    name: string,
    args: Readonly<Record<string, unknown>>,
    ...codes: readonly string[]
  ): Promise<string> {
    const text = failureOf(await this.call(name, args))
    const code = text.slice(0, text.indexOf(':'))
    assert.ok(codes.includes(code), `${name} ${JSON.stringify(args)}: ${codes.join(' or ')}, not ${text}`)
    return text
  }

  /** What must hold after every case of the attack list. Then closes and removes everything. */
  async end(): Promise<void> {
    try {
      const before = performance.now()
      if (!this.server.perUser && existsSync(join(this.root, 'plain.txt'))) {
        assert.equal((await this.ok('read_file', { path: 'plain.txt' })).text, 'plain\n')
        assert.ok(performance.now() - before < 1000, 'a plain read answers within a second')
      }
      assert.equal(this.#describeBesides(), this.#besides, 'what lies beside the root is unchanged')
      assert.deepEqual(findTemps(this.root), [], 'no temp is left')
      for (const answer of this.#answers) {
        assert.ok(this.#mayContainSecret || !answer.includes(secret), `no secret in ${answer.slice(0, 300)}`)
        assert.ok(!answer.includes(this.base), `no host path in ${answer.slice(0, 300)}`)
      }
    } finally {
      await this.server.close()
      rmSync(this.base, { recursive: true, force: true })
    }
    assert.equal(countDescriptors(), this.#descriptors, 'every descriptor was closed')
  }

  #describeBesides(): string {
    const lines: string[] = []
    for (const name of readdirSync(this.base).toSorted()) {
      lines.push(name)
      if (name === 'R') continue
      const folder = join(this.base, name)
      for (const inner of readdirSync(folder).toSorted()) {
        const path = join(folder, inner)
        const { mtimeNs, ctimeNs, mode, size } = lstatSync(path, { bigint: true })
        lines.push(`${name}/${inner} ${mtimeNs} ${ctimeNs} ${mode} ${size} ${readFileSync(path, 'latin1')}`)
      }
    }
    return lines.join('\n')
  }
}

/** Runs a body with a sandbox and, after it, the checks that every case ends with. */
export async function inSandbox(
  options: ConstructorParameters<typeof Sandbox>[0],
  body: (sandbox: Sandbox) => Promise<void> | void,
): Promise<void> {
  const sandbox = new Sandbox(options)
  try {
    await body(sandbox)
  } catch (error) {
    await sandbox.server.close()
    rmSync(sandbox.base, { recursive: true, force: true })
    throw error
  }
  await sandbox.end()
}

export function fieldsOf(result: ToolResult): Fields {
  assert.notEqual(result.isError, true, textOf(result))
  // The output schemas are checked in schemas.test.ts.
  return result.structuredContent as unknown as Fields
}

export function failureOf(result: ToolResult): string {
  assert.equal(result.isError, true, `expected a failure, not ${textOf(result).slice(0, 300)}`)
  return textOf(result)
}

export function textOf(result: ToolResult): string {
  return result.content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n')
}

/** Temps anywhere below a folder. Node's own recursive listing would follow links, and never end. */
export function findTemps(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.doorman-tmp-')) return [entry.name]
    return entry.isDirectory() ? findTemps(join(folder, entry.name)) : []
  })
}

/** The name of a temp as another process on this machine would have given it. */
export function nameTempOf(pid: number): string {
  const [place] = nameTemp().slice(`.doorman-tmp-${process.pid}-`.length).split('-')
  return `.doorman-tmp-${pid}-${place}-aaaaaaaaaaaa-bbbbbbbbbbbb`
}

export function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Reads page after page. Fails if it takes more than `most` pages. */
export async function readAll(
  sandbox: Sandbox,
  args: Readonly<Record<string, unknown>>,
  most = 1000,
): Promise<Fields[]> {
  const pages: Fields[] = []
  let cursor: string | undefined
  do {
    const page = await sandbox.ok(
      'read_file',
      cursor === undefined ? args : { ...pathAndLimit(args), cursor },
    )
    pages.push(page)
    cursor = page.next_cursor
    assert.ok(pages.length <= most, 'reading ends')
  } while (cursor !== undefined)
  return pages
}

function pathAndLimit(args: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).filter(([key]) => key !== 'line'))
}
