// Run by swap-race.test.ts: swaps a name in a folder for a symbolic link and back, until told to stop.
// Arguments: the folder, the name, the target of the link. Reports `ready`, then the number of swaps.
import { mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const [, , folder = '', name = '', target = ''] = process.argv
const place = join(folder, name)
const aside = join(folder, 'aside')
const link = join(folder, 'link')
const heap = join(folder, 'heap')
let swaps = 0
let heaped = 0

symlinkSync(target, link)
mkdirSync(heap)
process.on('message', () => {
  process.send?.(swaps)
  process.disconnect()
  clearImmediate(next)
})
process.send?.('ready')
let next = setImmediate(swapSome)

function swapSome(): void {
  for (let at = 0; at < 100; at++) {
    move(place, aside)
    move(link, place)
    move(place, link)
    move(aside, place)
    swaps++
  }
  next = setImmediate(swapSome)
}

/** Writers may have put something of theirs in the way; that goes on the heap. */
function move(from: string, to: string): void {
  for (;;) {
    try {
      return renameSync(from, to)
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code === 'ENOENT') throw error
      renameSync(to, join(heap, String(heaped++)))
    }
  }
}
