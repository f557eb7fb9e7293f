/** Where attacks happen: a served directory R, and beside it what nobody may reach through R. */
import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const secret = 'SECRET-OUT'

export class Place {
  readonly base: string
  readonly root: string
  readonly outside: string
  readonly #besides: string

  /** @param folder - by default in memory where there is one, since some attacks write much */
  constructor(folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()) {
    this.base = mkdtempSync(join(realpathSync(folder), 'doorman-attack-'))
    this.root = join(this.base, 'R')
    this.outside = join(this.base, 'O')
    for (const name of ['R', 'O', 'R_evil', 'R ', 'R"', 'r']) mkdirSync(join(this.base, name))
    for (const name of ['O/secret', 'R_evil/s', 'R /s', 'R"/s', 'r/s']) {
      writeFileSync(join(this.base, name), secret)
    }
    this.reset()
    this.#besides = this.#describeBesides()
  }

  /** Empties R but for the file that is read after every attack. */
  reset(): void {
    for (const name of readdirSync(this.root, 'buffer')) {
      rmSync(Buffer.concat([Buffer.from(`${this.root}/`), name]), { recursive: true, force: true })
    }
    this.put('plain.txt', 'plain\n')
  }

  at(path: string): string {
    return join(this.root, path)
  }

  put(path: string, content: string | Uint8Array): void {
    mkdirSync(join(this.at(path), '..'), { recursive: true })
    writeFileSync(this.at(path), content)
  }

  textOf(path: string): string {
    return readFileSync(this.at(path), 'utf8')
  }

  /** Every name below R, in order. */
  names(): string[] {
    return walk(this.root, '').toSorted()
  }

  assertUnharmed(): void {
    assert.equal(this.#describeBesides(), this.#besides, 'what lies beside the root is unchanged')
    assert.deepEqual(
      this.names().filter((name) => name.includes('.doorman-tmp-')),
      [],
      'no temp is left',
    )
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true })
  }

  #describeBesides(): string {
    return readdirSync(this.base)
      .toSorted()
      .flatMap((name) => {
        if (name === 'R') return [name]
        const inner = readdirSync(join(this.base, name)).toSorted()
        return [name, ...inner.map((file) => describe(join(this.base, name, file)))]
      })
      .join('\n')
  }
}

function describe(path: string): string {
  const { mtimeNs, ctimeNs, mode, size } = lstatSync(path, { bigint: true })
  return `${path} ${mtimeNs} ${ctimeNs} ${mode} ${size} ${readFileSync(path, 'latin1')}`
}

function walk(folder: string, prefix: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = prefix + entry.name
    return entry.isDirectory() ? [path, ...walk(join(folder, entry.name), `${path}/`)] : [path]
  })
}

/** Files and directories that a process has open. Sockets come and go with connections. */
export function countOpenFiles(pid: number): number {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(join(folder, fd)).startsWith('/')
    } catch {
      return false // Closed since it was listed.
    }
  }).length
}

/** Waits until a process has no more files open than it had, which cancelled work may take a moment for. */
export async function assertClosed(pid: number, before: number): Promise<void> {
  for (let tries = 0; tries < 100 && countOpenFiles(pid) !== before; tries++) await sleep(20)
  assert.equal(countOpenFiles(pid), before, 'every descriptor was closed')
}

/** Memory of a process, in bytes. */
export function memoryOf(pid: number): number {
  const [, kibibytes = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

/** Time on a processor since a process started, in clock ticks of 10 ms. */
export function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}
