import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const projectRoot = join(import.meta.dirname, '..', '..')
const examples = globSync('examples/*/server.ts', { cwd: projectRoot }).map(
  (path) => path.split('/')[1] ?? '',
)
const guides = globSync('docs/guides/*.md', { cwd: projectRoot })

for (const example of examples) {
  test(`the example ${example} is protected`, async () => {
    const check = [join(projectRoot, 'examples', 'check.ts'), example]
    const { stdout } = await promisify(execFile)(process.execPath, check, { timeout: 60_000 })
    assert.match(stdout, new RegExp(`${example} is protected`))
  })
}

test('every example is shown in a guide, and says what it needs', () => {
  assert.ok(examples.length >= 4)
  const shown = guides.map((path) => readFileSync(join(projectRoot, path), 'utf8')).join('\n')
  for (const example of examples) {
    assert.ok(shown.includes(`<!-- examples/${example}/server.ts -->`), example)
    const folder = join(projectRoot, 'examples', example)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      dependencies: object
    }
    const needed = globSync('*.ts', { cwd: folder })
      .flatMap((path) => [
        ...readFileSync(join(folder, path), 'utf8').matchAll(/ from '(@[^/']+\/[^/']+|[^@./'][^/']*)/g),
      ])
      .map(([, name = '']) => name)
      .filter((name) => !name.startsWith('node:'))
    for (const name of needed) assert.ok(name in manifest.dependencies, `${example} needs ${name}`)
  }
})

for (const path of guides) {
  test(`the code in the guide ${basename(path)} is that of the files it names`, () => {
    const text = readFileSync(join(projectRoot, path), 'utf8')
    const blocks = [...text.matchAll(/(?:<!-- (\S+) -->\n\n)?```ts\n([^]*?)```/g)]
    for (const [, file, code] of blocks) {
      assert.ok(file !== undefined, `a piece of code names no file: ${code?.slice(0, 60)}`)
      assert.equal(code, readFileSync(join(projectRoot, file), 'utf8'), file)
    }
  })
}
