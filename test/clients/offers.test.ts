import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startHttpFixture } from '../conformance/fixture/http.ts'
import { clientKinds, stdioPlace } from './client-kinds.ts'
import { textOf } from './connection.ts'
import { connectSdk2 } from './sdk-2.ts'

const fixture = await startHttpFixture({ sessions: {} })
after(fixture.close)

const connected = await Promise.all(
  clientKinds.map(async (kind) => {
    const connection = await kind.connect(kind.transport === 'http' ? fixture : stdioPlace)
    after(connection.close)
    return { kind, connection }
  }),
)

for (const { kind, connection } of connected) {
  const { client, callTool } = connection

  test(`${kind.name} agrees on the newest revision that it knows, and learns what the server can do`, () => {
    assert.equal(
      connection.revision,
      kind.era === 'modern' ? '2026-07-28' : revisionOf(kind.name, kind.transport),
    )
    assert.deepEqual(client.getServerVersion(), { name: 'fixture', version: '1.0.0' })
    assert.deepEqual(client.getServerCapabilities(), {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      completions: {},
      logging: {},
    })
    assert.equal(connection.sessionId() !== undefined, kind.era === 'legacy' && kind.transport === 'http')
  })

  test(`${kind.name} lists tools, resources, templates and prompts`, async () => {
    const { tools } = await client.listTools()
    assert.ok(tools.length > 25)
    const tool = tools.find(({ name }) => name === 'json_schema_2020_12_tool')
    assert.equal(tool?.description, 'Tool with JSON Schema 2020-12 features')
    assert.deepEqual(tool.inputSchema['$schema'], 'https://json-schema.org/draft/2020-12/schema')
    const { resources } = await client.listResources()
    assert.deepEqual(
      resources.map(({ uri }) => uri),
      ['test://static-text', 'test://static-binary', 'test://watched-resource'],
    )
    const { resourceTemplates } = await client.listResourceTemplates()
    assert.deepEqual(
      resourceTemplates.map(({ uriTemplate }) => uriTemplate),
      ['test://template/{id}/data'],
    )
    const { prompts } = await client.listPrompts()
    assert.deepEqual(prompts.find(({ name }) => name === 'test_prompt_with_arguments')?.arguments, [
      { name: 'arg1', description: 'First test argument', required: true },
      { name: 'arg2', description: 'Second test argument', required: true },
    ])
  })

  test(`${kind.name} gets every kind of content, and the failure of a tool, as results`, async () => {
    assert.match(textOf(await callTool('test_simple_text')), /simple text/)
    const { content } = await callTool('test_multiple_content_types')
    assert.deepEqual(
      content.map(({ type }) => type),
      ['text', 'image', 'resource'],
    )
    assert.equal((await callTool('test_audio_content')).content[0]?.['mimeType'], 'audio/wav')
    assert.match(textOf(await callTool('test_error_handling'), true), /intentionally returns an error/)
    assert.equal(textOf(await callTool('test_header_param', { region: 'Île', count: 3 })), 'Île 3')
  })

  test(`G62, G63: ${kind.name} gets wrong arguments as a result, and unknown items as errors that say so`, async () => {
    assert.match(textOf(await callTool('test_sampling', { prompt: 1 }), true), /prompt/)
    await assert.rejects(callTool('nosuch'), { code: -32602, message: /nosuch/ })
    await assert.rejects(client.readResource({ uri: 'test://nosuch' }), {
      // The newer client gives its host the new code for the old one too.
      code: kind.name.startsWith('SDK 1.32') ? -32002 : -32602,
      data: { uri: 'test://nosuch' },
    })
    await assert.rejects(client.getPrompt({ name: 'nosuch' }), { code: -32602 })
  })

  test(`${kind.name} reads texts, bytes and what a template makes, and gets prompts`, async () => {
    const [text] = (await client.readResource({ uri: 'test://static-text' })).contents
    assert.ok(text !== undefined && 'text' in text)
    assert.match(text.text, /static text resource/)
    const [binary] = (await client.readResource({ uri: 'test://static-binary' })).contents
    assert.ok(binary !== undefined && 'blob' in binary)
    assert.equal(Buffer.from(binary.blob, 'base64').subarray(1, 4).toString(), 'PNG')
    const [made] = (await client.readResource({ uri: 'test://template/7/data' })).contents
    assert.ok(made !== undefined && 'text' in made)
    assert.match(made.text, /"id":"7"/)
    const { messages } = await client.getPrompt({
      name: 'test_prompt_with_arguments',
      arguments: { arg1: 'a', arg2: 'b' },
    })
    assert.deepEqual(messages, [
      { role: 'user', content: { type: 'text', text: "Prompt with arguments: arg1='a', arg2='b'" } },
    ])
  })

  test(`${kind.name} has arguments of prompts and templates completed`, async () => {
    const ofPrompt = await client.complete({
      ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
      argument: { name: 'arg1', value: 'par' },
    })
    assert.deepEqual(ofPrompt.completion.values, ['paris', 'park', 'party'])
    const ofTemplate = await client.complete({
      ref: { type: 'ref/resource', uri: 'test://template/{id}/data' },
      argument: { name: 'id', value: '12' },
    })
    assert.deepEqual(ofTemplate.completion.values, ['12', '123'])
  })
}

/** The 1.32 client over stdio does not tell its host what was agreed on. */
function revisionOf(name: string, transport: string): string | undefined {
  return name.startsWith('SDK 1.32') && transport === 'stdio' ? undefined : '2025-11-25'
}

test('SDK 2.4 finds the newest revision by itself over stdio, as it does over HTTP', async (t) => {
  const connection = await connectSdk2('auto', stdioPlace, {})
  t.after(connection.close)
  assert.equal(connection.revision, '2026-07-28')
  assert.match(textOf(await connection.callTool('test_simple_text')), /simple text/)
})

test('a client without a token is refused, and the same one with a token is served', async (t) => {
  for (const { connect, transport } of clientKinds) {
    if (transport !== 'http') continue
    await assert.rejects(connect({ ...fixture, token: 'none' }), /Unauthorized|401|invalid_token/)
    t.after((await connect(fixture)).close)
  }
})
