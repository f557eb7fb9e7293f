import assert from 'node:assert/strict'
import type { Dirent } from 'node:fs'
import { test } from 'node:test'
import type { Directory } from '#internal/walk/opener'
import { walkTree } from '#internal/walk/tree'

test('row 40: a walk gives others a turn after every few names, wanted or not, and in every directory', () => {
  const wide = directoryOf(1000, 1)
  const deep = directoryOf(10, 4)
  for (const [top, wanted, least] of [
    [wide, true, 2000],
    [wide, false, 1000],
    [deep, true, 20_000],
  ] as const) {
    let asked = 0
    const ask = (answer: boolean): boolean => {
      asked++
      return answer
    }
    const range = { depth: 4, after: undefined, namesAtOnce: 200, hides: () => false }
    const steps = walkTree(top, range, {
      wants: () => ask(wanted),
      visit: () => ask(true),
      leaveOut: () => undefined,
      cannotEnter: () => undefined,
    })
    let most = 0
    let total = 0
    for (let done = false; !done;) {
      asked = 0
      done = steps.next().done === true
      most = Math.max(most, asked)
      total += asked
    }
    assert.ok(total >= least, `${total} asked`)
    assert.ok(most <= 48, `${most} between two turns`)
  }
})

/** As much of a directory as a walk touches: a number of names, each a directory like it for some levels down. */
function directoryOf(count: number, levels: number): Directory {
  const openEntries = () => {
    let at = 0
    const readSync = () => (at < count ? entryNamed(String(at++).padStart(6, '0'), levels > 1) : null)
    return { readSync, closeSync: () => undefined }
  }
  const openDirectory = () => directoryOf(count, levels - 1)
  return { openEntries, openDirectory, close: () => undefined } as unknown as Directory
}

function entryNamed(name: string, isDirectory: boolean): Dirent {
  return { name, isDirectory: () => isDirectory, isFile: () => !isDirectory } as Dirent
}
