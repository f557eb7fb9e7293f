import assert from 'node:assert/strict'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { checkExample } from '../../examples/check/check-example.ts'
import { examples } from '../../examples/check/examples.ts'

const projectRoot = join(import.meta.dirname, '..', '..')
const guides = globSync('docs/guides/*.md', { cwd: projectRoot })

for (const { name, needs } of examples) if (needs === undefined) checkExample(name)

test('every folder is in the table of the check and in README.md, and what needs more than Node has a suite', () => {
  const folders = readdirSync(join(projectRoot, 'examples'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'check')
    .map(({ name }) => name)
  assert.deepEqual(examples.map(({ name }) => name).sort(), folders.sort())
  const readme = readFileSync(join(projectRoot, 'examples', 'README.md'), 'utf8')
  for (const { name, needs } of examples) {
    assert.ok(readme.includes(`](${name})`), name)
    const file = join(projectRoot, 'test', 'examples', 'languages', `${name}.test.ts`)
    assert.equal(existsSync(file), needs !== undefined, file)
  }
})

test('every example of a framework is shown in a guide', () => {
  const frameworks = examples.filter(({ serves }) => serves === 'notes')
  assert.ok(frameworks.length >= 4)
  const shown = guides.map((path) => readFileSync(join(projectRoot, path), 'utf8')).join('\n')
  for (const { name } of frameworks) assert.ok(shown.includes(`<!-- examples/${name}/server.ts -->`), name)
})

test('every example that Node runs says what it needs', () => {
  for (const { name } of examples.filter(({ needs }) => needs === undefined)) {
    const folder = join(projectRoot, 'examples', name)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      dependencies: object
      devDependencies?: object
    }
    const stated = { ...manifest.dependencies, ...manifest.devDependencies }
    const needed = globSync('*.ts', { cwd: folder })
      .flatMap((path) => [
        ...readFileSync(join(folder, path), 'utf8').matchAll(/ from '(@[^/']+\/[^/']+|[^@./'][^/']*)/g),
      ])
      .map(([, name = '']) => name)
      .filter((name) => !name.startsWith('node:'))
    for (const each of needed) assert.ok(each in stated, `${name} needs ${each}`)
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
