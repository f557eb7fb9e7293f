/** Roles and groups of Casdoor as facts that rules decide by, with tokens of an application that `--roles` set up. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createResourceServer } from '@mcp-doorman/resource-server'
import { createMemorySink, requestOf, callOf, resource } from '../../packages/resource-server/test/guarded.ts'
import { openLab } from '../end-to-end/doorman-process.ts'
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
