import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import { findFreePort, openLab, type Lab } from './doorman-process.ts'
import { makeKey, signToken, startHandMadeIssuer } from './hand-made-issuer.ts'
import { callTool, post, resultOf, type WireAnswer } from './mcp-wire.ts'
import { chooseDevPlace, describeResource, mintToken, startDev, startFiles } from './protected-servers.ts'

const list = { name: 'list_files' }
const scope = 'files:list'

async function startIssuer(lab: Lab, filesPort: number, port = 0): ReturnType<typeof startDevelopmentIssuer> {
  const issuer = await startDevelopmentIssuer({ port, resources: [describeResource(filesPort)] })
  lab.keep(() => issuer.close())
  return issuer
}

test('B20: while its issuer is down a server answers 503, and recovers without a restart', async (t) => {
  const lab = openLab(t)
  const issuerPort = await findFreePort()
  const issuer = `http://127.0.0.1:${issuerPort}`
  const server = await startFiles(lab, { words: ['--issuer', issuer] })
  await server.process.printed(/Until this is mended, requests are answered 503\..*127\.0\.0\.1/)

  assert.equal((await callTool(server.url, undefined, list)).status, 401)
  const unproven = signToken(makeKey('any'), { iss: issuer, aud: server.url, scope })
  const down = await callTool(server.url, unproven, list)
  assert.equal(down.status, 503, down.text)
  assert.match(down.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  assert.equal(down.headers.get('www-authenticate'), null)

  const started = await startIssuer(lab, server.port, issuerPort)
  const token = await mintToken(started, { scope })
  resultOf(await askUntilDecided(() => callTool(server.url, token, list)))
  assert.equal((await callTool(server.url, unproven, list)).status, 401)
})

/** Does what Retry-After says, as often as it is said. */
async function askUntilDecided(ask: () => Promise<WireAnswer>): Promise<WireAnswer> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const answer = await ask()
    if (answer.status !== 503 || Date.now() > deadline) return answer
    const seconds = Number(answer.headers.get('retry-after'))
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  }
}

test('a new key is used at once, under a new id and under the same; the replaced one is refused', async (t) => {
  const lab = openLab(t)
  const port = await findFreePort()
  const issuer = await startIssuer(lab, port)
  const { url } = await startFiles(lab, { port, words: ['--issuer', issuer.issuer] })
  const first = await mintToken(issuer, { scope })
  resultOf(await callTool(url, first, list))

  await issuer.rotateKeys()
  const second = await mintToken(issuer, { scope })
  resultOf(await callTool(url, second, list))
  resultOf(await callTool(url, first, list))

  await issuer.replaceKeyUnderSameId()
  resultOf(await callTool(url, await mintToken(issuer, { scope }), list))
  assert.equal((await callTool(url, second, list)).status, 401)
})

test('C27: two hundred made-up key ids at once, and more after them, cause at most two fetches', async (t) => {
  const lab = openLab(t)
  const issuer = await startHandMadeIssuer(lab)
  const { url } = await startFiles(lab, { words: ['--issuer', issuer.issuer] })
  const claims = { iss: issuer.issuer, aud: url, scope }
  const good = signToken(issuer.key, claims)
  resultOf(await callTool(url, good, list))
  const fetches = (): number => issuer.asked.filter((path) => path === '/keys').length
  const before = fetches()

  const stranger = makeKey('stranger')
  const ask = async (kid: string): Promise<void> => {
    assert.equal((await callTool(url, signToken(stranger, claims, { kid }), list)).status, 401)
  }
  await Promise.all(Array.from({ length: 200 }, (_, index) => ask(`made-up-${index}`)))
  for (const index of [1, 2, 3, 4, 5]) await ask(`made-up-later-${index}`)
  const more = fetches() - before
  assert.ok(more >= 1 && more <= 2, `${more} fetches`)
  resultOf(await callTool(url, good, list))
})

test('SIGTERM lets a call end that is under way, takes no other, and ends with 0', async (t) => {
  const dev = await startDev(openLab(t))
  const token = await dev.token({ scope })
  const call = request(dev.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', expect: '100-continue' },
  })
  call.flushHeaders()
  await once(call, 'continue')

  dev.process.send('SIGTERM')
  await untilRefused(dev.port)
  call.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: list }))
  const [response] = await once(call, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  assert.match(text, /"structuredContent"/)
  const beganWaiting = performance.now()
  assert.equal((await dev.process.ended).code, 0)
  assert.ok(performance.now() - beganWaiting < 3000, 'nothing is waited for after the last call')
})

/** Connects until nobody listens any more. */
async function untilRefused(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const refused = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false))
      socket.once('error', () => resolve(true))
    })
    socket.destroy()
    if (refused) return
  }
}

test('a second signal ends at once, whatever is under way', async (t) => {
  const dev = await startDev(openLab(t))
  const call = request(dev.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await dev.token({ scope })}`,
      'content-type': 'application/json',
      expect: '100-continue',
    },
  })
  call.on('error', () => undefined)
  call.flushHeaders()
  await once(call, 'continue')
  dev.process.send('SIGINT')
  await untilRefused(dev.port)
  dev.process.send('SIGINT')
  assert.equal((await dev.process.ended).code, 1)
  call.destroy()
})

test('a port that is taken is named together with the option that changes it', async (t) => {
  const lab = openLab(t)
  const dev = await startDev(lab)
  const free = `${await findFreePort()}`
  const state = lab.makeFolder()
  const taken = (port: number, option: string): string =>
    `doorman: Port ${port} on 127.0.0.1 is in use. Stop what listens there, or choose another with ${option}.\n`
  const cases = [
    {
      words: ['dev', '--port', free, '--issuer-port', `${dev.issuerPort}`, '--state', state, dev.folder],
      message: taken(dev.issuerPort, '--issuer-port'),
    },
    {
      words: ['dev', '--port', `${dev.port}`, '--issuer-port', free, '--state', state, dev.folder],
      message: taken(dev.port, '--port'),
    },
    {
      words: ['files', dev.folder, '--port', `${dev.port}`, '--issuer', dev.issuer],
      message: taken(dev.port, '--port'),
    },
  ]
  for (const { words, message } of cases) {
    const { code, stdout, stderr } = await lab.run(words)
    assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: '', stderr: message })
  }
  resultOf(await callTool(dev.url, await dev.token({ scope }), list))
})

test('the state folder keeps keys and registrations over a restart; the secret is a new one', async (t) => {
  const lab = openLab(t)
  const place = await chooseDevPlace(lab)
  const first = await startDev(lab, {}, place)
  const token = await first.token({ scope })
  const registered = await post(`${first.issuer}/register`, undefined, {
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  })
  assert.equal(registered.status, 201, registered.text)
  assert.equal((await first.process.stop()).code, 0)
  await assert.rejects(first.token({ scope }), /No development issuer runs/)

  const second = await startDev(lab, {}, place)
  resultOf(await callTool(second.url, token, list))
  const authorize = new URL(`${second.issuer}/authorize`)
  authorize.search = `${new URLSearchParams({
    response_type: 'code',
    client_id: String(registered.body['client_id']),
    redirect_uri: 'http://127.0.0.1:9/callback',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    resource: second.url,
  })}`
  assert.equal((await fetch(authorize, { redirect: 'manual' })).status, 303)
  authorize.searchParams.set('client_id', 'never-registered')
  assert.equal((await fetch(authorize, { redirect: 'manual' })).status, 400)
})
