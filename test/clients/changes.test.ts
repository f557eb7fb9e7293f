import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startHttpFixture } from '../conformance/fixture/http.ts'
import { clientKinds, stdioPlace } from './client-kinds.ts'
import { textOf, type Connection } from './connection.ts'

const fixture = await startHttpFixture({ sessions: {} })
after(fixture.close)

const watched = 'test://watched-resource'
const updated = 'notifications/resources/updated'
const toolsChanged = 'notifications/tools/list_changed'
const promptsChanged = 'notifications/prompts/list_changed'

async function change(connection: Connection, what: 'tool' | 'prompt' | 'resource'): Promise<void> {
  assert.equal(textOf(await connection.callTool(`test_trigger_${what}_change`)), 'Changed.')
}

for (const kind of clientKinds) {
  test(`G15, G35: ${kind.name} is told of changes once each, and of a resource only while it wants to know`, async (t) => {
    const connection = await kind.connect(kind.transport === 'http' ? fixture : stdioPlace)
    t.after(connection.close)
    const { client, inbox, http } = connection
    // An older client over HTTP opens the stream for it by itself, after connecting.
    if (kind.transport === 'http' && kind.era === 'legacy') await http.answered('GET 200')

    const lists = { toolsListChanged: true, promptsListChanged: true }
    const missing = connection.watch('test://nosuch')
    if (kind.era === 'legacy') {
      await assert.rejects(missing, /Resource not found/)
    } else {
      const { promised, stop } = await missing
      assert.deepEqual(promised, lists)
      await stop()
    }

    const watching = await connection.watch(watched)
    if (kind.era === 'modern') {
      assert.deepEqual(watching.promised, { ...lists, resourceSubscriptions: [watched] })
    }
    await change(connection, 'resource')
    assert.deepEqual(
      (await inbox.received(updated)).map(({ uri }) => uri),
      [watched],
    )
    const [text] = (await client.readResource({ uri: watched })).contents
    assert.ok(text !== undefined && 'text' in text && text.text === 'Watch me.')

    await change(connection, 'tool')
    await inbox.received(toolsChanged)
    await change(connection, 'prompt')
    await inbox.received(promptsChanged)
    assert.ok((await client.listTools()).tools.length > 25)

    await watching.stop()
    const other = await connection.watch('test://static-text')
    // What is announced later is told later, so the missing one would have come before.
    await change(connection, 'resource')
    await change(connection, 'tool')
    await inbox.received(toolsChanged, 2)
    await other.stop()
    assert.deepEqual(
      inbox.notices.map(({ method }) => method),
      [updated, toolsChanged, promptsChanged, toolsChanged],
    )
  })
}
