import assert from 'node:assert/strict'
import type { Dirent } from 'node:fs'
import { test } from 'node:test'
import type { Directory } from '#internal/walk/opener'
import { walkTree } from '#internal/walk/tree'

test('row 40: a walk gives others a turn after every few names, wanted or not', () => {
  for (const wanted of [true, false]) {
    const steps = walkTree(
      directoryOf(1000),
      { depth: 1, after: undefined, namesAtOnce: 200, hides: () => false },
      {
        wants: () => {
          asked++
          return wanted
        },
        visit: () => {
          asked++
          return true
        },
        leaveOut: () => undefined,
      },
    )
    let asked = 0
    let most = 0
    let total = 0
    for (let done = false; !done;) {
      asked = 0
      done = steps.next().done === true
      most = Math.max(most, asked)
      total += asked
    }
    assert.ok(total >= 1000, `${total} asked`)
    assert.ok(most <= 32, `${most} between two turns`)
  }
})

/** As much of a directory as a walk over files alone touches. */
function directoryOf(count: number): Directory {
  const openEntries = () => {
    let at = 0
    const readSync = () => (at < count ? fileNamed(String(at++).padStart(6, '0')) : null)
    return { readSync, closeSync: () => undefined }
  }
  return { openEntries } as unknown as Directory
}

function fileNamed(name: string): Dirent {
  return { name, isDirectory: () => false, isFile: () => true } as Dirent
}
