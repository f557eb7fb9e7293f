import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceServerOptions } from '@mcp-doorman/resource-server'
import { startGuarded } from './guarded.ts'

async function metadataOf(options: Partial<ResourceServerOptions>) {
  const world = await startGuarded({ options })
  return { ...world.server.metadata, issuer: world.issuer.issuer }
}

test('A1, A6, A8, A11, A12: the document has what is known, the resource byte for byte, and no empty members', async () => {
  const { document, issuer } = await metadataOf({ scopes: {}, rules: [], challengeScopes: [] })
  assert.deepEqual(document, {
    resource: 'https://mcp.example/mcp',
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
  })
})

test('A9, CR9: the published scopes are those that were named, and all when none were', async () => {
  const scopes = { a: {}, b: {}, 'b:purge': {} }
  const shared = { scopes, rules: [], challengeScopes: [] }
  assert.deepEqual((await metadataOf(shared)).document.scopes_supported, ['a', 'b', 'b:purge'])
  const named = await metadataOf({ ...shared, publishedScopes: ['b'] })
  assert.deepEqual(named.document.scopes_supported, ['b'])
  assert.equal('scopes_supported' in (await metadataOf({ ...shared, publishedScopes: [] })).document, false)
})

test('a name and a page for people are published when they are given', async () => {
  const { document } = await metadataOf({ resourceName: 'Notes', documentation: 'https://docs.example' })
  assert.deepEqual(
    [document.resource_name, document.resource_documentation],
    ['Notes', 'https://docs.example'],
  )
})

const wellKnown = '/.well-known/oauth-protected-resource'
const rows: readonly (readonly [resource: string, url: string, paths: readonly string[]])[] = [
  ['https://h/a/mcp', `https://h${wellKnown}/a/mcp`, [`${wellKnown}/a/mcp`, wellKnown, `/a/mcp${wellKnown}`]],
  ['https://h', `https://h${wellKnown}`, [wellKnown]],
  ['https://h/', `https://h${wellKnown}`, [wellKnown]],
  [
    'https://h:8443/mcp',
    `https://h:8443${wellKnown}/mcp`,
    [`${wellKnown}/mcp`, wellKnown, `/mcp${wellKnown}`],
  ],
  [
    'http://localhost:3000/mcp',
    `http://localhost:3000${wellKnown}/mcp`,
    [`${wellKnown}/mcp`, wellKnown, `/mcp${wellKnown}`],
  ],
]
for (const [resource, url, paths] of rows) {
  test(`A2, A3, A4: the metadata of ${resource} stands at ${url}`, async () => {
    const metadata = await metadataOf({ resource })
    assert.deepEqual([metadata.document.resource, metadata.url, metadata.paths], [resource, url, paths])
  })
}

test('A7, A18: every issuer is listed, in order', async () => {
  const world = await startGuarded({
    optionsOf: ({ issuer }) => ({
      issuers: [{ issuer }, { casdoor: 'https://auth.example', allowedClients: 'any' }],
    }),
  })
  assert.deepEqual(world.server.metadata.document.authorization_servers, [
    world.issuer.issuer,
    'https://auth.example',
  ])
})
