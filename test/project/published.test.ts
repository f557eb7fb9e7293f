/** What ships: the packed packages, as a registry would get them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { projectRoot } from './sources.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'packed-'))
after(() => rmSync(folder, { recursive: true }))

/** Most that a packed package may weigh, in KiB: whoever adds to it notices. */
const mostKibibytes: Readonly<Record<string, number>> = {
  outbound: 40,
  'resource-server': 200,
  'mcp-endpoint': 160,
  files: 120,
  gateway: 90,
  'authorization-server': 80,
  'development-issuer': 180,
  casdoor: 80,
  cli: 180,
}

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

for (const manifestPath of globSync('packages/*/package.json', { cwd: projectRoot }).toSorted()) {
  const name = manifestPath.split('/')[1] ?? ''
  const packageFolder = join(projectRoot, 'packages', name)

  test(`${name} is packed whole, small, and in a form that every resolver of ESM finds its types in`, async () => {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: packageFolder,
    })
    const [packed] = JSON.parse(stdout) as readonly Packed[] // The documented form of --json.
    assert.ok(packed !== undefined)
    const tarball = join(folder, packed.filename)
    const kibibytes = statSync(tarball).size / 1024
    assert.ok(kibibytes <= (mostKibibytes[name] ?? 0), `${name} weighs ${kibibytes.toFixed(0)} KiB`)
    const strange = packed.files.filter(
      ({ path }) => !/^(?:package\.json|README\.md|LICENSE|dist\/|bin\/|src\/.*\.(?:html|css))/.test(path),
    )
    assert.deepEqual(strange, [])

    const bytes = readFileSync(tarball)
    const archive = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const { messages, pkg } = await publint({ strict: true, pack: { tarball: archive } })
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg ?? {})),
      [],
    )
    const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
      exports?: object
    }
    if (manifest.exports === undefined) return // A command has no types.
    await run(join(projectRoot, 'node_modules', '.bin', 'attw'), [
      tarball,
      '--profile',
      'esm-only',
      '--no-color',
    ])
  })
}
