import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertClosed, countOpenFiles, Place } from './attack-place.ts'
import { contentAttacks } from './attack-rows-content.ts'
import { linkAttacks } from './attack-rows-links.ts'
import { pathAttacks, specialAttacks } from './attack-rows-paths.ts'
import { Session, transports, type Transport } from './attack-transports.ts'
import { openLab } from './doorman-process.ts'

const lab = openLab({ after })
const attacks = [...pathAttacks, ...specialAttacks, ...linkAttacks, ...contentAttacks]

async function begin(transport: Transport) {
  const place = new Place()
  lab.keep(() => place.remove())
  const words = ['--deny', '.env', '--deny', '**/.git/**']
  const session = new Session(await transport.connect(lab, place, words))
  // The first call opens what stays open.
  await session.ok('read_file', { path: 'plain.txt' })
  return { name: transport.name, place, session, openFiles: countOpenFiles(session.connection.pid) }
}

for (const { name: transport, place, session, openFiles } of await Promise.all(transports.map(begin))) {
  for (const { row, name, run } of attacks) {
    test(`G61, G64, ${transport}, row ${row}: ${name}`, async () => {
      await run(session, place)
      // A row may leave another text in it.
      place.put('plain.txt', 'plain\n')
      const started = performance.now()
      assert.equal((await session.ok('read_file', { path: 'plain.txt' })).text, 'plain\n')
      assert.ok(performance.now() - started < 1000, 'a plain read answers within a second')
      session.assertSilent(place)
      place.assertUnharmed()
      await assertClosed(session.connection.pid, openFiles)
      place.reset()
    })
  }
}
