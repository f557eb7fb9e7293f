/** H29: many resources on one listener, and their replacement while it serves. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test, type TestContext } from 'node:test'
import {
  createEndpoint,
  startHttp,
  type Endpoint,
  type HttpHandle,
  type Mount,
} from '@mcp-doorman/mcp-endpoint'
import { createResourceServer, type ResourceServer, type Rule } from '@mcp-doorman/resource-server'
import { defer } from './deferred.ts'
import { openEvents } from './event-reader.ts'
import { errorCode, jsonOf, legacy, modern, resultOf, type Json } from './messages.ts'
import { ask, openConnection, formatRequest, type RawAnswer, type RawRequest } from './raw-http.ts'
import { beginSession } from './session-client.ts'
import { startTestIssuer } from './test-issuer.ts'
import { toolOf } from './test-server.ts'

const issuer = await startTestIssuer()
after(() => issuer.close())

const home = 'https://mcp.example.com/mcp'
const notes = 'https://mcp.example.com/notes/mcp'
const everything: readonly Rule[] = [{ tools: ['*'], resources: ['*'] }]

function judge(t: TestContext, resource: string, rules: readonly Rule[] = everything): ResourceServer {
  const server = createResourceServer({
    resource,
    issuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri }],
    scopes: {},
    rules,
    callerLimit: 'off',
    audit: { write: () => undefined, available: () => true, close: () => Promise.resolve() },
  })
  t.after(() => server.close())
  return server
}

function endpointOf(name: string): Endpoint {
  return createEndpoint({
    name,
    version: '1',
    tools: [toolOf('name', () => ({ content: [{ type: 'text', text: name }] }))],
    resources: ['one', 'two'].map((name) => ({ uri: `note:///${name}`, name, read: () => name })),
    resourcesChange: true,
  })
}

async function serve(t: TestContext, mounts: readonly Mount[]): Promise<HttpHandle> {
  const http = await startHttp({ mounts, drainSeconds: 0.2 })
  t.after(() => http.close())
  return http
}

const tokenFor = (aud: string): string => issuer.sign({ aud })
const call = (resource: string, token = tokenFor(resource)): RawRequest => ({
  ...legacy(token, 'tools/call', { name: 'name', arguments: {} }),
  target: new URL(resource).pathname,
})
const said = async (port: number, resource: string): Promise<unknown> => {
  // The tool answers with one text.
  const [block] = resultOf(await ask(port, call(resource)))['content'] as readonly Json[]
  return block?.['text']
}

test('H29: each mount has an address, a document and tokens of its own', async (t) => {
  const { port } = await serve(t, [
    { endpoint: endpointOf('home'), resourceServer: judge(t, home) },
    { endpoint: endpointOf('notes'), resourceServer: judge(t, notes) },
  ])
  assert.equal(await said(port, home), 'home')
  assert.equal(await said(port, notes), 'notes')
  assert.equal((await ask(port, call(notes, tokenFor(home)))).status, 401)
  assert.equal((await ask(port, call(home, tokenFor(notes)))).status, 401)

  const at = '/.well-known/oauth-protected-resource'
  for (const resource of [home, notes]) {
    const { pathname } = new URL(resource)
    const refused = await ask(port, { ...call(resource, 'none'), target: pathname })
    assert.match(
      refused.headers['www-authenticate'] ?? '',
      new RegExp(`"https://mcp\\.example\\.com${at}${pathname}"`),
    )
    for (const target of [`${at}${pathname}`, `${pathname}${at}`]) {
      assert.equal(jsonOf(await ask(port, { target }))['resource'], resource)
    }
  }
  assert.equal((await ask(port, { target: at })).status, 404)
  const plain = { headers: { Authorization: `Bearer ${tokenFor(notes)}` }, target: '/notes/tools/list' }
  assert.equal((await ask(port, plain)).status, 200)
})

test('the root well-known stands where one resource is mounted, and leaves when another comes', async (t) => {
  const one = { endpoint: endpointOf('home'), resourceServer: judge(t, home) }
  const http = await serve(t, [one])
  const target = '/.well-known/oauth-protected-resource'
  assert.equal((await ask(http.port, { target })).status, 200)
  await http.replace([one, { endpoint: endpointOf('notes'), resourceServer: judge(t, notes) }])
  assert.equal((await ask(http.port, { target })).status, 404)
  await http.replace([one])
  assert.equal((await ask(http.port, { target })).status, 200)
})

test('two mounts at one address are refused, and a replacement that is refused changes nothing', async (t) => {
  const one = { endpoint: endpointOf('home'), resourceServer: judge(t, home) }
  const other = { endpoint: endpointOf('other'), resourceServer: judge(t, home) }
  const beside = {
    endpoint: endpointOf('beside'),
    resourceServer: judge(t, 'https://mcp.example.com/beside'),
  }
  await assert.rejects(startHttp({ mounts: [one, other] }), /would both stand at \/mcp\. Give them paths/)
  await assert.rejects(startHttp({ mounts: [one, beside] }), /both stand at \/tools\/list\. Set plainForm/)
  const http = await serve(t, [one, { ...beside, plainForm: false }])
  await assert.rejects(http.replace([other, one]), /would both stand at \/mcp/)
  await assert.rejects(http.replace([]), /mounts: is empty/)
  await assert.rejects(http.replace([{ ...other, maxBodyBytes: 1024 ** 3 }]), /maxBodyBytesUnderWay/)
  assert.equal(await said(http.port, home), 'home')
  await http.close()
  await assert.rejects(http.replace([other]), /closing/)
})

test('a call ends as it began while its mount is replaced, and the next one is of the new', async (t) => {
  const called = defer()
  const released = defer()
  const slow = createEndpoint({
    name: 'slow',
    version: '1',
    tools: [
      toolOf('name', async () => {
        called.resolve()
        await released.promise
        return { content: [{ type: 'text', text: 'slow' }] }
      }),
    ],
  })
  const http = await serve(t, [{ endpoint: slow, resourceServer: judge(t, home) }])
  const answer = ask(http.port, call(home))
  await called.promise
  let replaced = false
  const replacing = http
    .replace([{ endpoint: endpointOf('new'), resourceServer: judge(t, home) }])
    .then(() => (replaced = true))
  assert.equal(await said(http.port, home), 'new')
  assert.equal(replaced, false)
  released.resolve()
  assert.match((await answer).body, /"slow"/)
  await replacing
})

test('a request is judged by the configuration that it came to, also when its body comes after the next', async (t) => {
  const endpoint = endpointOf('home')
  const http = await serve(t, [{ endpoint, resourceServer: judge(t, home) }])
  const bearer = tokenFor(home)
  await ask(http.port, call(home, bearer))
  const connection = await openConnection(http.port)
  t.after(() => connection.destroy())
  const bytes = formatRequest(http.port, call(home, bearer))
  connection.send(bytes.slice(0, -1))
  // The guard has looked at the token when it reads the body, and is answered on another connection meanwhile.
  await ask(http.port, call(home, bearer))
  const replacing = http.replace([{ endpoint, resourceServer: judge(t, home, []) }])
  assert.equal(errorCode(await ask(http.port, call(home, bearer))), -32602)
  connection.send(bytes.slice(-1))
  assert.equal((await connection.answer()).status, 200)
  await replacing
})

test('sessions and streams of a mount that stays go on; those of one that goes end', async (t) => {
  const stays = endpointOf('stays')
  const kept = { endpoint: stays, resourceServer: judge(t, home), sessions: {} }
  const http = await serve(t, [
    kept,
    { endpoint: endpointOf('goes'), resourceServer: judge(t, notes), sessions: {} },
  ])
  const client = await beginSession(http.port, tokenFor(home))
  await client.ask('resources/subscribe', { uri: 'note:///one' })
  const stream = await client.listen()
  const listening = modern(tokenFor(notes), 'subscriptions/listen', {
    notifications: { resourceSubscriptions: ['note:///one'] },
  })
  const leaving = await openEvents(http.port, { ...listening, target: '/notes/mcp' })
  await leaving.messages(1)

  await http.replace([{ ...kept }])
  const [last] = await leaving.rest()
  assert.ok(last?.message !== undefined && 'result' in last.message)
  assert.equal((await ask(http.port, call(notes))).status, 404)
  stays.resourceUpdated('note:///one')
  assert.equal((await stream.messages(1))[0]?.['method'], 'notifications/resources/updated')
  stream.close()
})

test('another judge takes over the sessions: streams end, and what comes next is judged anew', async (t) => {
  const endpoint = endpointOf('home')
  const mount = { endpoint, resourceServer: judge(t, home), sessions: {} }
  const http = await serve(t, [mount])
  const client = await beginSession(http.port, tokenFor(home))
  for (const uri of ['note:///one', 'note:///two']) await client.ask('resources/subscribe', { uri })
  const stream = await client.listen()
  await http.replace([{ ...mount, resourceServer: judge(t, home, [{ resources: ['note:///two'] }]) }])
  await stream.rest()

  const again = await client.listen()
  endpoint.resourceUpdated('note:///one') // It is hidden now.
  endpoint.resourceUpdated('note:///two')
  const [told] = await again.messages(1)
  assert.deepEqual(told?.['params'], { uri: 'note:///two' })
  again.close()
})

test('sessions are those of one address, also where one endpoint stands at two', async (t) => {
  const endpoint = endpointOf('both')
  const mounts = (): readonly Mount[] => [
    { endpoint, resourceServer: judge(t, home), sessions: {} },
    { endpoint, resourceServer: judge(t, notes), sessions: {} },
  ]
  const http = await serve(t, mounts())
  const { id } = await beginSession(http.port, tokenFor(home))
  await http.replace(mounts())
  const ping = (resource: string): Promise<RawAnswer> => {
    const headers = { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': '2025-11-25' }
    const request = legacy(tokenFor(resource), 'ping', {}, headers)
    return ask(http.port, { ...request, target: new URL(resource).pathname })
  }
  assert.equal((await ping(home)).status, 200)
  assert.equal((await ping(notes)).status, 404)
})

test('a subscription whose body comes after its mount was replaced is not begun', async (t) => {
  const endpoint = endpointOf('home')
  const http = await serve(t, [{ endpoint, resourceServer: judge(t, home) }])
  const bearer = tokenFor(home)
  await ask(http.port, call(home, bearer))
  const connection = await openConnection(http.port)
  t.after(() => connection.destroy())
  const listening = modern(bearer, 'subscriptions/listen', {
    notifications: { resourceSubscriptions: ['note:///one'] },
  })
  const bytes = formatRequest(http.port, listening)
  connection.send(bytes.slice(0, -1))
  await ask(http.port, call(home, bearer))
  const replacing = http.replace([{ endpoint, resourceServer: judge(t, home) }])
  connection.send(bytes.slice(-1))
  assert.equal((await connection.answer()).status, 503)
  await replacing
})

test('what goes on after the drain time is cancelled, so that nothing waits for ever', async (t) => {
  const called = defer()
  const endless = createEndpoint({
    name: 'endless',
    version: '1',
    tools: [
      toolOf('name', async (_, { signal }) => {
        called.resolve()
        await once(signal, 'abort')
        return { content: [] }
      }),
    ],
  })
  const http = await serve(t, [{ endpoint: endless, resourceServer: judge(t, home) }])
  const answer = ask(http.port, call(home))
  await called.promise
  await http.replace([{ endpoint: endpointOf('new'), resourceServer: judge(t, home) }])
  assert.equal(errorCode(await answer), -32603)
})
