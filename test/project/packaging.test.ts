import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { completeLock } from '../../tools/complete-lock.mjs'
import { projectRoot } from './sources.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly engines?: { readonly node?: string }
  readonly exports?: Readonly<Record<string, { readonly types: string; readonly default: string }>>
  readonly dependencies?: Readonly<Record<string, string>>
}

const manifests = globSync('packages/*/package.json', { cwd: projectRoot })
  .sort()
  // The members that are read are checked by the tests themselves.
  .map(
    (path) =>
      [
        path.split('/')[1] ?? '',
        JSON.parse(readFileSync(`${projectRoot}/${path}`, 'utf8')) as Manifest,
      ] as const,
  )

/** Runtime dependencies from outside. A new one needs a decision record. */
const allowedDependencies: Readonly<Record<string, readonly string[]>> = {
  outbound: [],
  'resource-server': ['jose'],
  'mcp-endpoint': ['ajv'],
  gateway: ['undici'],
  files: [],
  'authorization-server': ['jose', 'oidc-provider'],
  'development-issuer': ['jose'],
  casdoor: ['jose'],
  cli: ['@clack/prompts', '@marcbachmann/cel-js', 'commander', 'yaml', 'zod'],
}

for (const [folder, manifest] of manifests) {
  test(`${folder} depends on nothing that is not agreed on`, () => {
    const outside = Object.keys(manifest.dependencies ?? {}).filter(
      (name) => !name.startsWith('@mcp-doorman/'),
    )
    assert.deepEqual(outside, allowedDependencies[folder])
  })

  test(`${folder} has the common version, licence and engine`, () => {
    assert.equal(manifest.version, manifests[0]?.[1].version)
    assert.equal(manifest.license, 'Apache-2.0')
    assert.equal(manifest.engines?.node, '>=22.19')
    assert.equal(manifest.name, folder === 'cli' ? 'mcp-doorman' : `@mcp-doorman/${folder}`)
    for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
      if (name.startsWith('@mcp-doorman/')) assert.equal(version, manifest.version, name)
    }
  })

  test(`every entry of ${folder} can be imported`, async () => {
    for (const entry of Object.keys(manifest.exports ?? {})) {
      const imported: unknown = await import(`${manifest.name}${entry.slice(1)}`)
      assert.ok(typeof imported === 'object' && imported !== null && Object.keys(imported).length > 0, entry)
    }
  })
}

test('the lock file names every platform, so that npm ci takes it, and no download host', () => {
  const text = readFileSync(`${projectRoot}/package-lock.json`, 'utf8')
  assert.deepEqual(completeLock(JSON.parse(text)), [])
  assert.ok(!text.includes('"resolved": "http'))
})

const texts = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: projectRoot,
})
  .toString()
  .split('\0')
  .filter((path) => path !== '' && !/\.(?:png|ico)$/.test(path) && existsSync(`${projectRoot}/${path}`))

test('no file names a package registry or a folder of one machine', () => {
  // Written in parts, so that this file does not name them either.
  const dotted = (...words: readonly string[]): string => words.join('.')
  const hosts = [
    dotted('registry', 'npmjs', 'org'),
    dotted('pypi', 'org'),
    dotted('crates', 'io'),
    dotted('proxy', 'golang', 'org'),
    dotted('repo', 'maven', 'apache'),
  ]
  const folders = [
    ['', 'work', ''],
    ['..', 'shared'],
    ['', 'root', ''],
  ].map((words) => words.join('/'))
  const wrong = texts.flatMap((path) => {
    const text = readFileSync(`${projectRoot}/${path}`, 'utf8')
    return [...hosts, ...folders].filter((word) => text.includes(word)).map((word) => `${path}: ${word}`)
  })
  assert.deepEqual(wrong, [])
})
