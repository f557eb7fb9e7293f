import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openLab } from './doorman-process.ts'
import { signToken, startHandMadeIssuer } from './hand-made-issuer.ts'
import {
  callTool,
  memberOf,
  modernCall,
  parseObject,
  post,
  resultOf,
  type Json,
  type WireAnswer,
} from './mcp-wire.ts'
import { allScopes, startFiles } from './protected-servers.ts'

const lab = openLab({ after })
const issuer = await startHandMadeIssuer(lab)
const words = ['--issuer', issuer.issuer]
const shared = await startFiles(lab, { words })
const perUser = await startFiles(lab, { words: [...words, '--per-user'] })

const tokenOf = (url: string, sub: string, scope: string): string =>
  signToken(issuer.key, { iss: issuer.issuer, aud: url, sub, scope })

/** A message of the modern era, and the headers that repeat what it says. */
function message(
  method: string,
  params: Json,
): { readonly body: Json; readonly headers: Readonly<Record<string, string>> } {
  const { body, headers } = modernCall({ name: '' })
  const name = `=?base64?${Buffer.from(String(params['uri'])).toString('base64')}?=`
  return {
    body: { ...body, method, params: { ...params, _meta: memberOf(body, 'params', '_meta') } },
    headers: { ...headers, 'mcp-method': method, 'mcp-name': name },
  }
}

function send(url: string, token: string, method: string, params: Json): Promise<WireAnswer> {
  const { body, headers } = message(method, params)
  return post(url, token, body, headers)
}

const uri = 'file:///notes.txt'
const completion = {
  ref: { type: 'ref/resource', uri: 'file:///{+path}' },
  argument: { name: 'path', value: 'pl' },
}
const [list, read] = allScopes
const uses: ReadonlyArray<{ method: string; params: Json; needs: readonly string[] }> = [
  { method: 'resources/read', params: { uri }, needs: [read] },
  { method: 'completion/complete', params: completion, needs: [list, read] },
  {
    method: 'subscriptions/listen',
    params: { notifications: { resourceSubscriptions: [uri] } },
    needs: [read],
  },
]

for (const bits of [0, 1, 2, 3, 4, 5, 6, 7]) {
  const held = allScopes.filter((_, index) => (bits & (1 << index)) > 0)
  test(`G66, row 62: resources with ${held.join(' ') || 'no scope'} follow the scopes that the tools have`, async () => {
    const token = tokenOf(shared.url, 'alice', held.join(' '))
    for (const { method, params, needs } of uses) {
      const missing = needs.filter((scope) => !held.some((one) => one === scope))
      if (missing.length === 0) {
        // A subscription would go on.
        if (method !== 'subscriptions/listen') resultOf(await send(shared.url, token, method, params))
        continue
      }
      const answer = await send(shared.url, token, method, params)
      assert.deepEqual([answer.status, answer.body['scope']], [403, needs.join(' ')], method)
    }
    // The list of templates says what kind of thing there is; names are for those who may list.
    const listed = resultOf(await send(shared.url, token, 'resources/list', {}))
    assert.equal(JSON.stringify(listed['resources']).includes(uri), held.includes(list))
    const templates = resultOf(await send(shared.url, token, 'resources/templates/list', {}))
    assert.equal(memberOf(templates, 'resourceTemplates', '0', 'uriTemplate'), 'file:///{+path}')
  })
}

test('a resource is what the tool of the same path reads, kept by nobody else; its path is completed', async () => {
  const token = tokenOf(shared.url, 'alice', `${list} ${read}`)
  const result = resultOf(await send(shared.url, token, 'resources/read', { uri }))
  assert.deepEqual(result['contents'], [{ uri, mimeType: 'text/plain', text: 'milk and bread\n' }])
  assert.deepEqual([result['cacheScope'], result['ttlMs']], ['private', 0])
  const completed = resultOf(await send(shared.url, token, 'completion/complete', completion))
  assert.deepEqual(memberOf(completed, 'completion', 'values'), ['plans/'])
})

test('a resource that is too large is an error that names no path and no fault', async () => {
  writeFileSync(join(shared.folder, 'large'), 'x'.repeat(2_000_000))
  const token = tokenOf(shared.url, 'alice', read)
  const answer = await send(shared.url, token, 'resources/read', { uri: 'file:///large' })
  assert.equal(memberOf(answer.body, 'error', 'code'), -32603)
  assert.match(String(memberOf(answer.body, 'error', 'message')), /^too_large: .*larger than 1048576 bytes/)
  assert.ok(!answer.text.includes(shared.folder))
})

/** Follows a subscription until it is closed; gives what comes, message after message. */
async function subscribe(url: string, token: string, uris: readonly string[]) {
  const { body, headers } = message('subscriptions/listen', {
    notifications: { resourceSubscriptions: uris },
  })
  const controller = new AbortController()
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
      ...headers,
    },
    body: JSON.stringify(body),
    signal: controller.signal,
  })
  assert.equal(response.status, 200)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  assert.ok(reader)
  lab.keep(() => controller.abort())
  let text = ''
  async function next(): Promise<Json> {
    for (;;) {
      const [, data] = /^data: (.+)\n\n/m.exec(text) ?? []
      if (data !== undefined) {
        text = text.slice(text.indexOf(data) + data.length)
        return parseObject(data)
      }
      const { value, done } = (await reader?.read()) ?? { done: true, value: undefined }
      assert.ok(!done, 'the stream goes on')
      text += value ?? ''
    }
  }
  assert.equal((await next())['method'], 'notifications/subscriptions/acknowledged')
  return next
}

test('G65: a subscription tells of the own file only, though the URIs of others look the same', async () => {
  const file = 'file:///diary.txt'
  const [alice, bob] = ['alice', 'bob'].map((sub) => tokenOf(perUser.url, sub, allScopes.join(' ')))
  assert.ok(alice && bob)
  const [ofAlice, ofBob] = [
    await subscribe(perUser.url, alice, [file]),
    await subscribe(perUser.url, bob, [file, 'file:///end']),
  ]
  const write = (token: string, path: string): Promise<WireAnswer> =>
    callTool(perUser.url, token, { name: 'write_file', arguments: { path, content: 'x' } })
  resultOf(await write(alice, 'diary.txt'))
  const told = await ofAlice()
  assert.deepEqual(
    [told['method'], memberOf(told, 'params', 'uri')],
    ['notifications/resources/updated', file],
  )
  // The next that bob hears of is his own.
  resultOf(await write(bob, 'end'))
  assert.equal(memberOf(await ofBob(), 'params', 'uri'), 'file:///end')
})

test('everybody who may read a shared file hears of its change, whichever tool made it', async () => {
  const writer = tokenOf(shared.url, 'alice', allScopes.join(' '))
  const follow = await subscribe(shared.url, tokenOf(shared.url, 'bob', read), ['file:///a', 'file:///b'])
  for (const [name, args, changed] of [
    ['write_file', { path: 'a', content: 'one' }, ['file:///a']],
    ['edit_file', { path: 'a', edits: [{ old: 'one', new: 'two' }] }, ['file:///a']],
    ['move_file', { from: 'a', to: 'b' }, ['file:///a', 'file:///b']],
    ['delete_file', { path: 'b' }, ['file:///b']],
  ] as const) {
    resultOf(await callTool(shared.url, writer, { name, arguments: args }))
    for (const expected of changed) assert.equal(memberOf(await follow(), 'params', 'uri'), expected)
  }
})
