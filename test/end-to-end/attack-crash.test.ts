import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, test } from 'node:test'
import { repeats } from '../rounds.ts'
import { Place } from './attack-place.ts'
import { Session, transports } from './attack-transports.ts'
import { openLab } from './doorman-process.ts'

const lab = openLab({ after })
const files = 10
const bodyOf = (letter: string): string => letter.repeat(131_072)

for (const transport of transports) {
  test(`${transport.name}, row 51: killed during 200 writes, a server leaves every file old or new, and sweeps its temps`, async () => {
    // On a disk, where a file takes its time to become durable.
    const place = new Place(tmpdir())
    lab.keep(() => place.remove())
    let left = 0
    // On until one kill at least came in the middle of a write.
    for (let round = 0; round < repeats(2, 15) || (left === 0 && round < 10); round++) {
      for (let at = 0; at < files; at++) place.put(`d/f${at}`, bodyOf('o'))
      const session = new Session(await transport.connect(lab, place, []))
      const seen = { answered: 0 }
      const write = async (at: number): Promise<void> => {
        // Some replace, some edit, some make what was not there, and some move it.
        const path = `d/f${at % files}`
        const calls: ReadonlyArray<readonly [string, Record<string, unknown>]> = [
          ['write_file', { path, content: bodyOf('n') }],
          ['edit_file', { path, edits: [{ old: 'o', new: 'n', all: true }] }],
          ['write_file', { path: `new/${at}`, content: bodyOf('n'), if_exists: 'fail' }],
          ['move_file', { from: path, to: `moved/${at}` }],
        ]
        const [tool, args] = calls[at % 4] ?? ['read_file', { path }]
        assert.notEqual((await session.call(tool, args)).code, 'busy')
        seen.answered++
      }
      let next = 0
      // No more at once than may wait for their turn.
      const writing = Array.from({ length: 50 }, async () => {
        while (next < 200) await write(next++)
      })
      const all = Promise.allSettled(writing)
      // Each round a little later, and when there is something half done.
      const enough = (round * 7) % 60
      const isHalfDone = (): boolean => place.names().some((name) => name.includes('.doorman-tmp-'))
      while (seen.answered < enough || !isHalfDone()) {
        await new Promise((resolve) => setImmediate(resolve))
        assert.ok(seen.answered < 200, 'the writes are over already')
      }
      await session.connection.kill()
      await all

      const whole = new Set([bodyOf('o'), bodyOf('n')])
      for (const name of place.names()) {
        if (name.includes('.doorman-tmp-')) left++
        else if (/^(?:d|new|moved)\/./.test(name))
          assert.ok(whole.has(place.textOf(name)), `${name} is whole`)
      }
      const again = new Session(await transport.connect(lab, place, []))
      const { entries } = await again.ok('list_files', { depth: 16, hidden: true, limit: 1000 })
      assert.ok(entries.every(({ path }) => !path.includes('doorman-tmp')))
      // The sweep at start is over before a directory of this size has been listed twice.
      await again.ok('list_files', { depth: 16 })
      place.assertUnharmed()
      again.assertSilent(place)
      await again.connection.kill()
      place.reset()
    }
    assert.ok(left > 0, 'at least one kill came in the middle of a write')
    assert.deepEqual(readdirSync(place.outside), ['secret'])
  })
}
