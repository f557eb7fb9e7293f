import assert from 'node:assert/strict'
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeDpopClient } from '../../packages/resource-server/test/dpop-client.ts'
import { openLab } from './doorman-process.ts'
import { isAlive, small, smallServer, startGatewayWorld, whoIn, type GatewayWorld } from './gateway-world.ts'
import {
  callTool,
  getJson,
  memberOf,
  modernCall,
  parseObject,
  post,
  resultOf,
  type Json,
} from './mcp-wire.ts'
import { makeSampleFolder } from './protected-servers.ts'

const lab = openLab({ after })
const use = { scope: 'use' }
const closed = { rules: [], scopes: {}, challenge: [] }

async function pidOf(world: GatewayWorld, server = 'small'): Promise<number> {
  return Number(whoIn(await world.call(server, 'who', world.token(server, use)))['pid'])
}

async function statusOf(state: string): Promise<{ readonly code: number | null; readonly body: object }> {
  const { code, stdout } = await lab.run(['status', '--state', state, '--json'])
  return { code, body: parseObject(stdout) }
}

test('one file composes a program and a directory, each a resource of its own (H29)', async () => {
  const world = await startGatewayWorld(lab, {
    small: small({ title: 'Small things' }),
    docs: { path: '/docs/mcp', files: makeSampleFolder(lab) },
  })
  for (const [name, title, scopes] of [
    ['small', 'Small things', ['use']],
    ['docs', 'docs', ['files:list', 'files:read', 'files:write']],
  ] as const) {
    const { body } = await getJson(`${world.origin}/.well-known/oauth-protected-resource/${name}/mcp`)
    assert.equal(body['resource'], `${world.origin}/${name}/mcp`)
    assert.equal(body['resource_name'], title)
    assert.deepEqual(body['scopes_supported'], scopes)
    const bare = await callTool(`${world.origin}/${name}/mcp`, undefined, { name: 'who' })
    assert.equal(bare.status, 401)
    assert.match(bare.headers.get('www-authenticate') ?? '', new RegExp(`/${name}/mcp"`))
  }
  const read = await world.call('docs', 'read_file', world.token('docs', { scope: 'files:read' }), {
    path: 'notes.txt',
  })
  assert.equal(memberOf(resultOf(read), 'structuredContent', 'path'), 'notes.txt')
  const who = whoIn(await world.call('small', 'who', world.token('small', use), { a: 1 }))
  assert.deepEqual(who['args'], { a: 1 })
  // A token for one is worth nothing at the other.
  assert.equal((await world.call('docs', 'read_file', world.token('small', use))).status, 401)
  assert.equal((await world.call('small', 'who', world.token('docs', use))).status, 401)
  const { stderr } = await world.process.stop()
  assert.match(stderr, /"kind":"decision".*"rule":"small\.rules\[0\]".*"server":"small"\}/)
  assert.match(stderr, /"rule":"docs\.read_file".*"server":"docs"\}/)
})

test('what no rule names does not exist, a missing scope is challenged, and a rule can look at arguments', async () => {
  const world = await startGatewayWorld(lab, {
    small: small({
      rules: [
        { tools: ['who'], require: { scopes: ['use'] }, when: 'args.n < 3.0' },
        { tools: ['change'], require: { scopes: ['use'], anyRole: ['editor'] } },
      ],
    }),
  })
  const token = world.token('small', use)
  assert.equal(whoIn(await world.call('small', 'who', token, { n: 2 }))['args'] !== undefined, true)
  for (const args of [{ n: 3 }, { n: 'text' }, {}]) {
    const refused = await world.call('small', 'who', token, args)
    assert.equal(memberOf(refused.body, 'error', 'code'), 403)
  }
  assert.equal(memberOf((await world.call('small', 'change', token)).body, 'error', 'code'), 403)
  const editor = await world.call('small', 'change', world.token('small', { ...use, roles: ['editor'] }))
  assert.equal(editor.status, 200)
  assert.equal(
    (await world.call('small', 'who', world.token('small', { scope: 'other' }), { n: 1 })).status,
    403,
  )
  assert.equal(memberOf((await world.call('small', 'nothing', token)).body, 'error', 'code'), -32602)
})

test('a program gets its own environment and folder, and nothing of ours (H23)', async () => {
  const secretFile = join(lab.makeFolder(), 'secret')
  writeFileSync(secretFile, 'from the file\n')
  const environment = { MODE: 'quiet', API_KEY: 'env:OUR_KEY', OTHER_SECRET: `file:${secretFile}` }
  const world = await startGatewayWorld(
    lab,
    { small: small({ environment }) },
    {},
    {
      OUR_KEY: 'handed-on',
      DOORMAN_CANARY: 'c4n4ry',
    },
  )
  const who = whoIn(await world.call('small', 'who', world.token('small', use)))
  assert.equal(memberOf(who, 'env', 'MODE'), 'quiet')
  assert.equal(memberOf(who, 'env', 'API_KEY'), 'handed-on')
  assert.equal(memberOf(who, 'env', 'OTHER_SECRET'), 'from the file')
  assert.equal(JSON.stringify(who).includes('c4n4ry'), false)
  assert.notEqual(who['folder'], process.cwd())
  // Neither what is printed nor what is recorded has a secret in it.
  const { stdout, stderr } = await world.process.stop()
  assert.doesNotMatch(stdout + stderr, /handed-on|from the file|c4n4ry/)
})

test('a change is taken: new rules hold, what is unchanged keeps its process, what is gone is gone', async () => {
  const world = await startGatewayWorld(lab, {
    small: small(),
    other: small({ path: '/other/mcp' }),
  })
  const [kept, ended] = [await pidOf(world), await pidOf(world, 'other')]
  const token = world.token('small', use)
  const docs = { path: '/docs/mcp', files: makeSampleFolder(lab) }
  await world.change({
    small: small({
      rules: [{ tools: ['who'], require: { anyRole: ['editor'] } }],
      scopes: {},
      challenge: [],
    }),
    docs,
  })
  assert.match(
    world.process.stderr(),
    /doorman\.yaml was read anew: docs is new; small has changed; other is gone\./,
  )
  assert.equal(memberOf((await world.call('small', 'who', token)).body, 'error', 'code'), 403)
  const editor = await world.call('small', 'who', world.token('small', { roles: ['editor'] }))
  assert.equal(whoIn(editor)['pid'], kept, 'only the gate has changed')
  assert.equal((await world.call('other', 'who', world.token('other', use))).status, 404)
  assert.equal(
    (await world.call('docs', 'list_files', world.token('docs', { scope: 'files:list' }))).status,
    200,
  )
  await world.said(new RegExp(`process ${ended} ended`), 1)
  assert.equal(isAlive(ended), false)
  // Another environment is another process.
  await world.change({ small: small({ environment: { MODE: 'b' } }) })
  const next = await pidOf(world)
  assert.notEqual(next, kept)
  await world.said(new RegExp(`process ${kept} ended`), 1)
  await world.process.stop()
  assert.deepEqual([isAlive(kept), isAlive(next)], [false, false])
})

test('a change with a mistake is refused whole, and told until it is mended', async () => {
  const state = join(lab.makeFolder(), 'state')
  const world = await startGatewayWorld(lab, { small: small() }, { state })
  const pid = await pidOf(world)
  const fine = readFileSync(world.file, 'utf8')
  const { code, body } = await statusOf(state)
  assert.equal(code, 0)
  assert.equal(memberOf(body, 'config_last_reload_successful'), true)
  assert.equal(memberOf(body, 'servers', '0', 'connections'), 1)

  // One server is right and one is not; one is right in the text and cannot be opened.
  for (const [servers, more, told] of [
    [
      { small: small(closed), b: { path: '/b/mcp', comand: ['x'] } },
      { state },
      /servers\.b: does not say what it is/,
    ],
    [
      { small: small(closed), b: { path: '/b/mcp', files: '/nowhere/at/all' } },
      { state },
      /\/nowhere\/at\/all does not exist/,
    ],
    [{ small: small(closed) }, { state, listen: { port: 1 } }, /listen: cannot be changed while this runs/],
    [
      { small: small({ environment: { A_KEY: 'env:NOT_THERE' } }) },
      { state },
      /environment\.A_KEY: the variable NOT_THERE is empty or not there/,
    ],
  ] as const) {
    await world.change(servers, more)
    assert.match(world.process.stderr(), told)
    assert.match(world.process.stderr(), /\nThe running configuration was kept\.\n$/)
    assert.equal(await pidOf(world), pid)
    const refused = await statusOf(state)
    assert.equal(refused.code, 1)
    assert.equal(memberOf(refused.body, 'config_last_reload_successful'), false)
    assert.match(String(memberOf(refused.body, 'config_last_failure', 'problems')), told)
  }
  writeFileSync(world.file, fine)
  await world.said(/The configuration is again the one that is in use/, 1)
  assert.equal(memberOf((await statusOf(state)).body, 'config_last_reload_successful'), true)
  assert.equal(await pidOf(world), pid)
  const { stdout } = await lab.run(['status', '--state', state])
  assert.match(stdout, /^config_last_reload_successful true$/m)
  assert.match(stdout, /^server small http:\S+\/small\/mcp, connections 1, waitingCalls 0$/m)
})

test('a file that goes away changes nothing; an unchanged one is no news; SIGHUP reads secrets anew', async () => {
  const secret = join(lab.makeFolder(), 'secret')
  writeFileSync(secret, 'first')
  const servers = { small: small({ environment: { A_KEY: `file:${secret}` } }) }
  const world = await startGatewayWorld(lab, servers)
  const key = async (): Promise<unknown> =>
    memberOf(whoIn(await world.call('small', 'who', world.token('small', use))), 'env', 'A_KEY')
  assert.equal(await key(), 'first')
  const fine = readFileSync(world.file, 'utf8')
  unlinkSync(world.file)
  await world.said(/does not exist/, 1)
  assert.equal(await key(), 'first')
  writeFileSync(world.file, fine)
  await world.said(/is again the one that is in use/, 1)

  writeFileSync(secret, 'second')
  // The text is what it was, so nothing is read but the text.
  world.write(servers)
  world.process.send('SIGHUP')
  await world.said(/small has changed/, 1)
  assert.equal(await key(), 'second')
  world.process.send('SIGHUP')
  await world.said(/nothing differs/, 1)
  assert.equal(world.process.stderr().match(/was read anew/g)?.length, 2)
})

test('a revocation holds at every server, and over a reload', async () => {
  const state = join(lab.makeFolder(), 'state')
  const world = await startGatewayWorld(
    lab,
    { small: small(), other: small({ path: '/other/mcp' }) },
    { state },
  )
  const tokens = { alice: world.token('other', use), bob: world.token('other', { ...use, sub: 'bob' }) }
  assert.equal((await world.call('other', 'who', tokens.alice)).status, 200)
  const revoked = await lab.run(['revoke', '--state', state, '--subject', 'alice'])
  assert.equal(revoked.code, 0, revoked.stderr)
  assert.equal((await world.call('other', 'who', tokens.alice)).status, 401)
  assert.equal((await world.call('other', 'who', tokens.bob)).status, 200)
  await world.change({ small: small(), other: small({ path: '/other/mcp', title: 'Changed' }) }, { state })
  assert.equal((await world.call('other', 'who', tokens.alice)).status, 401)
  assert.equal((await world.call('other', 'who', tokens.bob)).status, 200)
})

test('a proof of possession that was used stays used over a reload', async () => {
  const dpop = { dpop: {} }
  const world = await startGatewayWorld(lab, { small: small() }, dpop)
  const url = `${world.origin}/small/mcp`
  const client = makeDpopClient('ES256', () => Math.floor(Date.now() / 1000))
  const token = world.token('small', { ...use, cnf: { jkt: client.thumbprint } })
  const call = (proof: string): ReturnType<typeof post> => {
    const { body, headers } = modernCall({ name: 'who' })
    return post(url, undefined, body, { ...headers, authorization: `DPoP ${token}`, dpop: proof })
  }
  const prove = (): string => client.prove(token, { claims: { htu: url } })
  const proof = prove()
  assert.equal((await call(proof)).status, 200)
  assert.equal((await call(proof)).status, 401)
  await world.change({ small: small({ title: 'Changed' }) }, dpop)
  assert.equal((await call(proof)).status, 401)
  assert.equal((await call(prove())).status, 200)
})

test('nothing is started while a file has a mistake, and the file itself is never served', async () => {
  const folder = lab.makeFolder()
  const file = join(folder, 'doorman.yaml')
  const text = (files: string): string =>
    `version: 1\nissuers: [{ issuer: https://issuer.example.com }]\nservers: { docs: { path: /docs/mcp, files: ${files} } }\n`
  writeFileSync(file, text('.').replace('path:', 'paht:'))
  const wrong = await lab.run(['gateway', '--config', file])
  assert.equal(wrong.code, 1)
  assert.equal(
    wrong.stderr,
    `doorman: ${file} cannot be used:\n${file}:3:12  servers.docs.path: is missing. It must be text.\n${file}:3:20  servers.docs.paht: is no field here. Did you mean "path"?\n2 problems.\n`,
  )
  writeFileSync(file, text('.'))
  const served = await lab.run(['gateway', '--config', file])
  assert.equal(served.code, 2)
  assert.match(
    served.stderr,
    /The configuration .* lies in .*, which is served: agents could read, replace or move it/,
  )
})

test('servers that will not end are ended together, so that their number does not make it late', async () => {
  const names = ['a', 'b', 'c', 'd']
  const stubborn = (name: string): Json =>
    small({ path: `/${name}/mcp`, command: [process.execPath, smallServer, '--stubborn'] })
  const world = await startGatewayWorld(lab, Object.fromEntries(names.map((name) => [name, stubborn(name)])))
  const answers = await Promise.all(
    names.map((name) => world.call(name, 'who', world.token(name, { scope: 'use' }))),
  )
  const { code } = await world.process.stop()
  assert.equal(code, 0)
  assert.deepEqual(answers.map((answer) => Number(whoIn(answer)['pid'])).filter(isAlive), [])
})
