/** Roles and groups of Casdoor as facts that rules decide by, with tokens of an application that `--roles` set up. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createResourceServer } from '@mcp-doorman/resource-server'
import { createMemorySink, requestOf, callOf, resource } from '../../packages/resource-server/test/guarded.ts'
import { findFreePort, openLab } from '../end-to-end/doorman-process.ts'
import { callTool, resultOf } from '../end-to-end/mcp-wire.ts'
import { administrator, logIn, startDouble } from './double.ts'

const lab = openLab({ after })
const application = { application: 'mcp-files', organization: 'acme' }
const people = ['alice', 'bob'].map((name) => ({
  owner: 'acme',
  name,
  password: `${name}-pass-1`,
  groups: name === 'alice' ? ['acme/staff'] : [],
}))
const casdoor = await startDouble(lab, {
  organizations: [{ name: 'acme', passwordType: 'bcrypt' }],
  users: people,
  roles: [{ owner: 'acme', name: 'editors', users: ['acme/alice'], isEnabled: true }],
})

async function setUp(more: readonly string[]): Promise<void> {
  const words = ['--organization', 'acme', '--application', 'mcp-files', '--resource', resource, ...more]
  const ended = await lab.run(['casdoor', 'setup', '--url', casdoor.origin, ...words], { env: administrator })
  assert.equal(ended.code, 0, ended.stderr)
}

const rules = [
  { id: 'editors', tools: ['write_file'], require: { scopes: ['files:read'], anyRole: ['editors'] } },
  { id: 'staff', tools: ['read_file'], require: { scopes: ['files:read'], anyGroup: ['acme/staff'] } },
]

/** What a server that pins the application decides about a call: `allow`, or the code of the denial. */
async function decide(user: 'alice' | 'bob', tool: string): Promise<string> {
  const server = createResourceServer({
    resource,
    issuers: [{ casdoor: casdoor.origin, application: application.application }],
    scopes: { 'files:read': {} },
    rules,
    audit: createMemorySink(),
  })
  const { access_token: token } = await logIn(casdoor, {
    user,
    password: `${user}-pass-1`,
    resource,
    ...application,
  })
  const decision = await server.guard(requestOf({ token, body: callOf(tool) }))
  await server.close()
  return decision.granted ? 'allow' : decision.denial.code
}

test('CR15: with the scope alone nobody may, until tokens say roles and groups', async () => {
  await setUp([])
  assert.equal(await decide('alice', 'write_file'), 'rule_refused')
  assert.equal(await decide('alice', 'read_file'), 'rule_refused')
})

test('CR15: once set up with roles, who has the role or is in the group may, and others may not', async () => {
  await setUp(['--roles'])
  assert.equal(await decide('alice', 'write_file'), 'allow')
  assert.equal(await decide('alice', 'read_file'), 'allow')
  assert.equal(await decide('bob', 'write_file'), 'rule_refused')
  assert.equal(await decide('bob', 'read_file'), 'rule_refused')
})

test('CR15: a doorman.yaml says what to set up, roles included, and the gateway that runs by it decides by them', async () => {
  const folder = lab.makeFolder()
  mkdirSync(join(folder, 'documents'))
  writeFileSync(join(folder, 'documents', 'hello.txt'), 'Hello')
  const port = await findFreePort()
  const file = join(folder, 'doorman.yaml')
  writeFileSync(
    file,
    `version: 1
listen: { port: ${port} }
issuers:
  - casdoor: ${casdoor.origin}
    application: mcp-gate
servers:
  documents:
    path: /documents/mcp
    files: documents
    rules:
      - { tools: [read_file], require: { scopes: [files:read], anyRole: [editors] } }
`,
  )
  const ended = await lab.run(['casdoor', 'setup', '--organization', 'acme', '--config', file], {
    env: administrator,
  })
  assert.equal(ended.code, 0, ended.stderr)
  const command = /^ {2}doorman (gateway --config .*)$/m.exec(ended.stdout)?.[1] ?? assert.fail(ended.stdout)
  const gateway = lab.start(command.split(' '))
  const url = `http://127.0.0.1:${port}/documents/mcp`
  await gateway.printed(/documents\/mcp/)

  const read = async (user: string) => {
    const login = { user, password: `${user}-pass-1`, resource: url, application: 'mcp-gate' }
    const { access_token: token } = await logIn(casdoor, login)
    return callTool(url, token, { name: 'read_file', arguments: { path: 'hello.txt' } })
  }
  assert.match(JSON.stringify(resultOf(await read('alice'))), /Hello/)
  const refused = await read('bob')
  assert.equal(refused.status, 200, 'no login can help, so none is asked for')
  assert.match(refused.text, /"code":403/)
  await gateway.stop()
})
