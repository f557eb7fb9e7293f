import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Client as NextClient,
  StreamableHTTPClientTransport as NextTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { startTestServer } from './test-server.ts'

const call = { name: 'echo', arguments: { text: 'hello' } }
const shown = ['echo', 'write_note', 'move_note', 'staff_only']

for (const path of ['/mcp', '/mcp/']) {
  test(`CR5: the official client 1.x lists and calls at ${path}`, async (t) => {
    const { port, token } = await startTestServer(t)
    const client = new Client({ name: 'test', version: '1' })
    const requestInit = { headers: { Authorization: `Bearer ${token()}` } }
    const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}${path}`), {
      requestInit,
    })
    await client.connect(transport)
    t.after(() => client.close())
    assert.equal(client.getServerVersion()?.name, 'notes')
    assert.equal(client.getInstructions(), 'Be brief.')
    await client.ping()
    assert.deepEqual(
      (await client.listTools()).tools.map(({ name }) => name),
      shown,
    )
    assert.deepEqual((await client.callTool(call)).content, [{ type: 'text', text: 'hello' }])
    assert.equal((await client.callTool({ name: 'echo', arguments: {} })).isError, true)
    await assert.rejects(client.callTool({ name: 'nosuch', arguments: {} }), /-32602/)
  })
}

for (const [mode, version] of [
  ['legacy', '2025-11-25'],
  ['auto', '2026-07-28'],
] as const) {
  test(`the official client 2.x, mode ${mode}, lists and calls in ${version}`, async (t) => {
    const { port, token, records } = await startTestServer(t)
    const client = new NextClient({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
    const requestInit = { headers: { Authorization: `Bearer ${token()}` } }
    await client.connect(new NextTransport(new URL(`http://127.0.0.1:${port}/mcp`), { requestInit }))
    t.after(() => client.close())
    assert.equal(client.getNegotiatedProtocolVersion(), version)
    assert.deepEqual(
      (await client.listTools()).tools.map(({ name }) => name),
      shown,
    )
    assert.deepEqual((await client.callTool(call)).content, [{ type: 'text', text: 'hello' }])
    assert.equal((await client.callTool({ name: 'echo', arguments: {} })).isError, true)
    await assert.rejects(client.callTool({ name: 'nosuch', arguments: {} }), /Unknown tool/)
    const eras = records().flatMap(({ era, name }) => (name === 'echo' ? [era] : []))
    assert.deepEqual(new Set(eras), new Set([mode === 'auto' ? 'modern' : 'legacy']))
  })
}
