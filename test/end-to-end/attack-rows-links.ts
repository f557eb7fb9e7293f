/** Attacks by links, at rest and in motion. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { repeats } from '../rounds.ts'
import { secret, type Place } from './attack-place.ts'
import type { Attack } from './attack-rows-paths.ts'
import type { Session } from './attack-transports.ts'

async function refuseLink(session: Session, path: string): Promise<readonly string[]> {
  const texts: string[] = []
  for (const [tool, args] of [
    ['read_file', { path }],
    ['write_file', { path, content: 'x' }],
    ['write_file', { path, content: 'x', if_exists: 'fail' }],
    ['write_file', { path, content: 'x', if_exists: 'append' }],
    ['edit_file', { path, edits: [{ old: 'S', new: 'x' }] }],
    ['move_file', { from: path, to: 'moved' }],
    ['search_files', { path, query: 'S' }],
    ['list_files', { path }],
  ] as const) {
    texts.push((await session.fails(tool, args, 'symlink')).replace(`"${path}"`, '<link>'))
  }
  return texts
}

const swapper = fileURLToPath(new URL('../../packages/files/test/swapper.ts', import.meta.url))

/** Lets another process swap a name for a link while the body runs. */
async function whileSwapping(
  place: Place,
  name: string,
  target: string,
  body: () => Promise<void>,
): Promise<void> {
  const child = fork(swapper, [place.root, name, target], { stdio: 'inherit' })
  try {
    await once(child, 'message')
    await body()
    child.send('stop')
    await once(child, 'close')
  } finally {
    child.kill('SIGKILL')
  }
}

/** Runs calls, some at a time, and counts how they ended. */
async function count(
  times: number,
  call: (at: number) => Promise<{ readonly code: string; readonly reply: { readonly text: string } }>,
) {
  const counts = { ok: 0, refused: 0, leaked: 0 }
  let next = 0
  const work = async (): Promise<void> => {
    while (next < times) {
      const { code, reply } = await call(next++)
      if (reply.text.includes(secret)) counts.leaked++
      counts[code === 'ok' ? 'ok' : 'refused']++
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  return counts
}

export const linkAttacks: readonly Attack[] = [
  {
    row: 15,
    name: 'a link to a file outside',
    run: async (session, place) => {
      symlinkSync('../O/secret', place.at('l'))
      await refuseLink(session, 'l')
    },
  },
  {
    row: 16,
    name: 'a link to nothing is answered in the same words, and nothing is made there',
    run: async (session, place) => {
      symlinkSync('../O/secret', place.at('l'))
      symlinkSync('../O/missing', place.at('m'))
      assert.deepEqual(await refuseLink(session, 'm'), await refuseLink(session, 'l'))
    },
  },
  {
    row: 17,
    name: 'a link to a directory outside',
    run: async (session, place) => {
      symlinkSync('../O', place.at('d'))
      for (const [tool, args] of [
        ['read_file', { path: 'd/secret' }],
        ['write_file', { path: 'd/new', content: 'x' }],
        ['write_file', { path: 'd/x/y/z', content: 'x' }],
        ['edit_file', { path: 'd/secret', edits: [{ old: 'S', new: 'x' }] }],
        ['list_files', { path: 'd' }],
        ['list_files', { path: 'd/secret' }],
        ['search_files', { path: 'd', query: 'S' }],
        ['move_file', { from: 'plain.txt', to: 'd/plain.txt' }],
        ['move_file', { from: 'd/secret', to: 'secret' }],
        ['delete_file', { path: 'd/secret' }],
      ] as const) {
        await session.fails(tool, args, 'symlink', 'not_a_directory')
      }
    },
  },
  {
    row: 19,
    name: 'links inside, in a circle and in a chain',
    run: async (session, place) => {
      symlinkSync('plain.txt', place.at('in'))
      symlinkSync('y', place.at('x'))
      symlinkSync('x', place.at('y'))
      for (let at = 0; at < 50; at++) symlinkSync(`c${at + 1}`, place.at(`c${at}`))
      for (const path of ['in', 'x', 'c0']) await refuseLink(session, path)
      for (const path of ['x/z', 'c0/z']) await session.fails('read_file', { path }, 'symlink')
    },
  },
  {
    row: 20,
    name: 'deleting a link leaves what it points to',
    run: async (session, place) => {
      symlinkSync('../O/secret', place.at('l'))
      symlinkSync('../O', place.at('d'))
      for (const path of ['l', 'd']) {
        await session.ok('delete_file', { path })
        assert.equal(lstatSync(place.at(path), { throwIfNoEntry: false }), undefined)
      }
    },
  },
  {
    row: 21,
    name: 'a tree with links out of it and back to itself',
    run: async (session, place) => {
      place.put('t/u/f', 'inside')
      symlinkSync('../../O', place.at('t/out'))
      symlinkSync('..', place.at('t/u/up'))
      for (const glob of [undefined, '**', '**/*']) {
        const { entries } = await session.ok('list_files', {
          path: 't',
          depth: 16,
          ...(glob !== undefined && { glob }),
        })
        assert.deepEqual(
          entries.map(({ path, type }) => `${type} ${path}`),
          ['symlink t/out', 'directory t/u', 'file t/u/f', 'symlink t/u/up'],
        )
      }
      const { matches } = await session.ok('search_files', { query: 'i', path: 't', glob: '**' })
      assert.deepEqual(
        matches.map(({ path }) => path),
        ['t/u/f'],
      )
    },
  },
  {
    row: 22,
    name: 'a directory that is swapped for a link meanwhile',
    run: async (session, place) => {
      place.put('d/secret', 'inside')
      await whileSwapping(place, 'd', '../O', async () => {
        const reads = await count(repeats(1500, 14), () => session.call('read_file', { path: 'd/secret' }))
        assert.equal(reads.leaked, 0)
        assert.ok(reads.ok > 10 && reads.refused > 10, JSON.stringify(reads))
        const writes = await count(repeats(400, 13), (at) => {
          const path = at % 2 === 0 ? 'd/secret' : `d/new${at % 10}`
          switch (at % 6) {
            case 0:
            case 1:
              return session.call('write_file', { path, content: 'x' })
            case 2:
              return session.call('write_file', { path, content: 'x', if_exists: 'append' })
            case 3:
              return session.call('delete_file', { path })
            case 4:
              return session.call('edit_file', { path, edits: [{ old: 'x', new: 'y' }] })
            default:
              return session.call('move_file', { from: path, to: `d/moved${at}` })
          }
        })
        assert.ok(writes.ok > 10 && writes.refused > 10, JSON.stringify(writes))
      })
      place.reset()
    },
  },
  {
    row: 23,
    name: 'a file that is swapped for a link meanwhile',
    run: async (session, place) => {
      place.put('f', 'inside')
      await whileSwapping(place, 'f', '../O/secret', async () => {
        const writes = await count(repeats(400, 13), (at) => {
          if (at % 3 === 2)
            return session.call('edit_file', { path: 'f', edits: [{ old: 'inside', new: 'x' }] })
          return session.call('write_file', {
            path: 'f',
            content: 'inside',
            if_exists: ['replace', 'append'][at % 3],
          })
        })
        assert.equal(writes.leaked, 0)
        assert.ok(writes.ok > 10, JSON.stringify(writes))
      })
      place.reset()
    },
  },
]
