import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { member, type Json } from './messages.ts'
import { startProgram, type StdioProcess } from './stdio-process.ts'
import { checkTranscript, subscriptionOf, type Era, type Expectations } from './transcript.ts'

const prefix = 'io.modelcontextprotocol/'

/** A client that writes down what it has asked. */
interface Talk extends StdioProcess {
  readonly expectations: Expectations
  /** Sends a request, and gives its id. */
  ask(method: string, params?: Json, meta?: Json): number
  call(name: string, args?: Json, meta?: Json): number
  notify(method: string, params?: Json): void
  answered(id: number): Promise<Json>
  /** Checks all of standard output so far, or after the end of the process. */
  check(): void
}

function startTalk(t: TestContext, era: Era): Talk {
  const busy = startProgram(t, 'busy-stdio-server.ts')
  const expectations: Expectations = {
    open: new Set(),
    isInitialized: false,
    mayBeAsked: ['elicitation/create'],
  }
  const envelope = {
    [`${prefix}protocolVersion`]: '2026-07-28',
    [`${prefix}clientCapabilities`]: { elicitation: {} },
  }
  let id = 0
  const talk: Talk = {
    ...busy,
    expectations,
    ask: (method, params = {}, meta = {}) => {
      id += 1
      expectations.open.add(id)
      const whole = era === 'modern' ? { ...envelope, ...meta } : meta
      busy.send({ jsonrpc: '2.0', id, method, params: { ...params, _meta: whole } })
      return id
    },
    call: (name, args = {}, meta = {}) => talk.ask('tools/call', { name, arguments: args }, meta),
    notify: (method, params = {}) => {
      busy.send({ jsonrpc: '2.0', method, params })
    },
    answered: (wanted) => busy.found((message) => !('method' in message) && message['id'] === wanted),
    check: () => checkTranscript(busy.lines(), era, expectations),
  }
  return talk
}

async function initialize(talk: Talk): Promise<void> {
  const clientInfo = { name: 'transcript', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo }
  await talk.answered(talk.ask('initialize', params))
  talk.notify('notifications/initialized')
}

function resultText(answer: Json): unknown {
  const { content } = member(answer, 'result')
  assert.ok(Array.isArray(content))
  return member({ block: content[0] }, 'block')['text']
}

test('I2, I3: a transcript of 2025: everything at once, and every line is what a client of that era can take', async (t) => {
  const talk = startTalk(t, 'legacy')
  const { ask, call, answered, found, send } = talk
  // Nobody has said yet what they can be asked.
  const early = await answered(call('asks_person'))
  assert.match(String(resultText(early)), /^input_unavailable/)
  await initialize(talk)

  await answered(ask('resources/subscribe', { uri: 'doc:///0' }))
  const person = call('asks_person')
  const model = call('asks_model')
  const work = Array.from({ length: 10 }, (_, index) => call('works', {}, { progressToken: `t${index}` }))
  const misused = call('works', { unknown: 1 })
  const wrong = [
    ...['throws', 'rejects', 'nosuch'].map((name) => call(name)),
    ...['nosuch', 'server/discover', 'subscriptions/listen'].map((method) => ask(method)),
  ]
  const change = call('changes', { count: 2 })
  ask('tools/list')
  const request = await found(({ method }) => method === 'elicitation/create')
  send({ jsonrpc: '2.0', id: request['id'], result: { action: 'accept', content: { name: 'Ada\u2028' } } })

  assert.match(String(resultText(await answered(person))), /"name":"Ada\u2028"/)
  assert.match(String(resultText(await answered(model))), /has not declared that it can: sampling/)
  for (const id of work) assert.equal(resultText(await answered(id)), 'worked')
  assert.equal(member(await answered(misused), 'result')['isError'], true)
  for (const id of wrong) assert.ok('error' in (await answered(id)))
  await answered(change)
  await found(({ method }) => method === 'notifications/tools/list_changed')
  talk.stdin.end()
  assert.equal(await talk.exit, 0)

  talk.check()
  assert.deepEqual([...talk.expectations.open], [])
  const all = await talk.received(0)
  const methods = all.map(({ method }) => method)
  assert.equal(methods.filter((method) => method === 'notifications/progress').length, 30)
  assert.equal(methods.filter((method) => method === 'notifications/resources/updated').length, 1)
  assert.equal(methods.filter((method) => method === 'elicitation/create').length, 1)
  assert.ok(methods.includes('notifications/message'))
  assert.match(talk.errors(), /throws: Error: canary[^]*rejects: Error: canary/)
  assert.doesNotMatch(talk.lines().join('\n'), /canary|forged/)
})

test('I2, I3, I6: a transcript of 2026: everything at once, two subscriptions apart, and no requests of the server', async (t) => {
  const talk = startTalk(t, 'modern')
  const { ask, call, answered, found } = talk
  const uris = (indexes: readonly number[]): Json => ({
    notifications: { resourceSubscriptions: indexes.map((index) => `doc:///${index}`) },
  })
  const first = ask('subscriptions/listen', uris([0, 1]))
  const second = ask('subscriptions/listen', {
    notifications: { toolsListChanged: true, ...member(uris([1, 2]), 'notifications') },
  })
  const isAcknowledged = (id: number) => (message: Json) =>
    message['method'] === 'notifications/subscriptions/acknowledged' && subscriptionOf(message) === id
  await Promise.all([found(isAcknowledged(first)), found(isAcknowledged(second))])

  const logged = { [`${prefix}logLevel`]: 'warning' }
  const work = Array.from({ length: 10 }, (_, index) => call('works', {}, { progressToken: index }))
  const logs = call('works', {}, logged)
  const misused = call('works', { unknown: 1 })
  const person = call('asks_person')
  const wrong = [
    ...['throws', 'rejects', 'nosuch', 'asks_model'].map((name) => call(name)),
    ...['nosuch', 'initialize', 'ping'].map((method) => ask(method)),
  ]
  const change = call('changes', { count: 4 })
  const cached = [ask('tools/list'), ask('server/discover'), ask('resources/read', { uri: 'doc:///9' })]

  for (const id of [...work, logs]) assert.equal(resultText(await answered(id)), 'worked')
  assert.equal(member(await answered(misused), 'result')['isError'], true)
  const asked = member(await answered(person), 'result')
  assert.equal(asked['resultType'], 'input_required')
  assert.deepEqual(Object.keys(member(asked, 'inputRequests')), ['who'])
  for (const id of wrong) assert.ok('error' in (await answered(id)))
  for (const id of cached) {
    const { ttlMs, cacheScope } = member(await answered(id), 'result')
    assert.ok(Number.isInteger(ttlMs) && ['public', 'private'].includes(String(cacheScope)))
  }
  await answered(change)
  await found(({ method }) => method === 'notifications/tools/list_changed')
  talk.stdin.end()
  assert.equal(await talk.exit, 0)

  talk.check()
  assert.deepEqual([...talk.expectations.open], [], 'the subscriptions ended with an answer each')
  const told = (await talk.received(0))
    .filter(({ method }) => /updated|list_changed/.test(String(method)))
    .map((message) => [subscriptionOf(message), message['method'], member(message, 'params')['uri']])
  const updated = 'notifications/resources/updated'
  assert.deepEqual(
    told.filter(([id]) => id === first),
    [0, 1].map((index) => [first, updated, `doc:///${index}`]),
  )
  assert.deepEqual(
    told.filter(([id]) => id === second),
    [
      ...[1, 2].map((index) => [second, updated, `doc:///${index}`]),
      [second, 'notifications/tools/list_changed', undefined],
    ],
  )
  assert.equal(told.length, 5)
  const methods = (await talk.received(0)).map(({ method }) => method)
  assert.equal(methods.filter((method) => method === 'notifications/progress').length, 30)
  assert.equal(methods.filter((method) => method === 'notifications/message').length, 3)
  assert.doesNotMatch(talk.lines().join('\n'), /canary|forged/)
})

for (const era of ['legacy', 'modern'] as const) {
  test(`I2: a crash in the middle of everything ends the process, and leaves no broken line behind (${era})`, async (t) => {
    const talk = startTalk(t, era)
    if (era === 'legacy') await initialize(talk)
    for (let index = 0; index < 20; index += 1) talk.call('works', {}, { progressToken: index })
    for (let index = 0; index < 20; index += 1) talk.call('large')
    talk.call('crashes')
    assert.equal(await talk.exit, 1)
    talk.check()
    assert.ok(talk.lines().length > 20)
    assert.match(talk.errors(), /Error: canary/)
    assert.doesNotMatch(talk.lines().join('\n'), /canary/)
  })

  test(`I4: the end of the input ends whatever is open or waits, cleanly and within 2 seconds (${era})`, async (t) => {
    const talk = startTalk(t, era)
    if (era === 'legacy') {
      await initialize(talk)
      await talk.answered(talk.ask('resources/subscribe', { uri: 'doc:///0' }))
      talk.call('asks_person')
      await talk.found(({ method }) => method === 'elicitation/create')
    } else {
      talk.ask('subscriptions/listen', { notifications: { toolsListChanged: true } })
      await talk.found(({ method }) => method === 'notifications/subscriptions/acknowledged')
    }
    talk.call('lasts')
    await talk.said('begun')
    const began = performance.now()
    talk.stdin.end()
    assert.equal(await talk.exit, 0)
    assert.ok(performance.now() - began < 2000)
    talk.check()
    assert.match(talk.errors(), /stopped/)
    if (era === 'legacy') assert.match(talk.lines().at(-2) ?? '', /input_unavailable: .*the input has ended/)
  })

  test(`I4: SIGTERM lets calls under way end within their second, takes no others, and ends with 0 (${era})`, async (t) => {
    const talk = startTalk(t, era)
    if (era === 'legacy') await initialize(talk)
    const subscribing =
      era === 'modern'
        ? [talk.ask('subscriptions/listen', { notifications: { toolsListChanged: true } })]
        : []
    const finishing = talk.call('takes_a_while')
    const lasting = talk.call('lasts')
    await Promise.all([talk.said('working'), talk.said('begun')])
    const began = performance.now()
    talk.kill('SIGTERM')
    await talk.answered(finishing)
    assert.equal(await talk.exit, 0)
    assert.ok(performance.now() - began < 2000)
    talk.check()
    assert.deepEqual([...talk.expectations.open], [lasting])
    assert.match(talk.errors(), /stopped/)
    // Subscriptions end at once: they would last for ever.
    const answers = (await talk.received(0)).filter((message) => 'result' in message)
    assert.deepEqual(
      answers.map(({ id }) => id).filter((id) => [...subscribing, finishing].includes(Number(id))),
      [...subscribing, finishing],
    )
  })

  test(`I5: what a client has cancelled is told to stop and is not answered, whatever it was (${era})`, async (t) => {
    const talk = startTalk(t, era)
    const cancelled = [talk.call('lasts')]
    if (era === 'legacy') {
      await initialize(talk)
      cancelled.push(talk.call('asks_person'))
      await talk.found(({ method }) => method === 'elicitation/create')
    } else {
      cancelled.push(talk.ask('subscriptions/listen', { notifications: { toolsListChanged: true } }))
      await talk.found(({ method }) => method === 'notifications/subscriptions/acknowledged')
    }
    await talk.said('begun')
    for (const requestId of cancelled) talk.notify('notifications/cancelled', { requestId })
    await talk.said('stopped')
    await talk.answered(talk.call('changes', { count: 0 }))
    await talk.said('announced')
    talk.stdin.end()
    assert.equal(await talk.exit, 0)
    talk.check()
    assert.deepEqual([...talk.expectations.open], cancelled)
    const told = talk.lines().filter((line) => line.includes('list_changed'))
    assert.equal(told.length, era === 'legacy' ? 1 : 0)
  })

  test(`I9: a message of 11 MB is refused by one line, and the next is served (${era})`, async (t) => {
    const talk = startTalk(t, era)
    talk.stdin.write(`{"jsonrpc":"2.0","id":0,"method":"ping","params":{"a":"${'a'.repeat(11_000_000)}"}}\n`)
    const answer = await talk.answered(talk.ask('tools/list'))
    assert.ok('result' in answer)
    const [refusal] = await talk.received(2)
    assert.deepEqual(refusal, {
      jsonrpc: '2.0',
      error: { code: -32600, message: 'The message is longer than 8388608 bytes.' },
      ...('id' in (refusal ?? {}) && { id: null }),
    })
    talk.stdin.end()
    assert.equal(await talk.exit, 0)
  })
}

/** What the program says of itself: how many calls it has served, and its memory. */
async function report(talk: Talk, count: number): Promise<{ calls: number; megabytes: number }> {
  talk.kill('SIGUSR2')
  await talk.said('megabytes', count)
  const reports = [...talk.errors().matchAll(/calls (\d+) megabytes (\d+)/g)]
  const [, calls, megabytes] = reports.at(-1) ?? []
  return { calls: Number(calls), megabytes: Number(megabytes) }
}

test('a client that does not read is not served on, costs little memory, and loses no answer when it reads', async (t) => {
  const talk = startTalk(t, 'legacy')
  await initialize(talk)
  const before = await report(talk, 1)
  talk.stdout.pause()
  const ids = Array.from({ length: 1000 }, () => talk.call('large')) // 65 MB of answers.
  // Served on until the program has said of itself 20 times in a row that it has not gone on.
  let last = before
  let quiet = 0
  for (let count = 2; quiet < 20; count += 1) {
    const now = await report(talk, count)
    quiet = now.calls > 0 && now.calls === last.calls ? quiet + 1 : 0
    last = now
  }
  assert.ok(last.calls < 100, `${last.calls} calls`)
  assert.ok(last.megabytes - before.megabytes < 40, `${before.megabytes} MB have become ${last.megabytes}`)
  talk.stdout.resume()
  await talk.answered(ids.at(-1) ?? 0)
  talk.stdin.end()
  assert.equal(await talk.exit, 0)
  talk.check()
  // Waiting a thousand times leaves nothing behind that Node would warn of.
  assert.doesNotMatch(talk.errors(), /Warning/)
  assert.equal(talk.expectations.open.size, 0)
})

test('notifications that a client does not read are dropped beyond a bound, its answers are not', async (t) => {
  const talk = startTalk(t, 'modern')
  const ending = 'e'.repeat(500)
  const resourceSubscriptions = Array.from({ length: 250 }, (_, index) => `doc:///${index}${ending}`)
  for (let count = 0; count < 16; count += 1) {
    const id = talk.ask('subscriptions/listen', { notifications: { resourceSubscriptions } })
    await talk.found((message) => 'method' in message && subscriptionOf(message) === id)
  }
  talk.stdout.pause()
  talk.call('changes', { count: 250, ending }) // 2.6 MB of notifications.
  await talk.said('announced')
  talk.call('lasts')
  talk.stdout.resume()
  await talk.said('begun')
  talk.stdin.end()
  assert.equal(await talk.exit, 0)
  talk.check()
  // Each subscription has its answer, too.
  assert.equal(talk.expectations.open.size, 1)
  const told = talk.lines().filter((line) => line.includes('resources/updated')).length
  assert.ok(told > 500 && told < 4000, `${told} notifications`)
})
