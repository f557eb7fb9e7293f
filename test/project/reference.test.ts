/** The committed reference is what the sources give. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { projectRoot } from './sources.ts'

const folder = mkdtempSync(join(tmpdir(), 'reference-'))
after(() => rmSync(folder, { recursive: true }))

function readPages(cwd: string): ReadonlyMap<string, string> {
  const paths = globSync('**/*.*', { cwd }).sort()
  return new Map(paths.map((path) => [path, readFileSync(join(cwd, path), 'utf8')]))
}

const committed = readPages(join(projectRoot, 'docs/reference'))
execFileSync(process.execPath, [join(projectRoot, 'tools/docs/reference.ts'), folder])
const written = readPages(folder)

test('docs/reference has the pages that the sources give, and no other', () => {
  assert.ok(written.has(join('resource-server', 'README.md')))
  assert.deepEqual([...committed.keys()], [...written.keys()])
})

test('each page of docs/reference is what the sources give', () => {
  const stale = [...written].filter(([path, text]) => committed.get(path) !== text).map(([path]) => path)
  assert.deepEqual(stale, [], 'run "npm run docs"')
})

test('docs/faults.md is what the issuer tells of its faults', () => {
  const path = join(folder, 'faults.md')
  execFileSync(process.execPath, [join(projectRoot, 'tools/docs/faults.ts'), path])
  const page = readFileSync(join(projectRoot, 'docs/faults.md'), 'utf8')
  assert.equal(page, readFileSync(path, 'utf8'), 'run "npm run docs"')
  const anchors = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor)
  for (const anchor of anchors) assert.ok(page.includes(`\n### ${anchor.toUpperCase()}\n`), anchor)
})

test('every link of the reference leads to a page and an anchor', () => {
  const broken = [...written].flatMap(([path, text]) =>
    [...text.matchAll(/\]\(([^)\s:]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => {
        const [file = '', anchor] = target.split('#')
        const page = written.get(file === '' ? path : join(path, '..', file))
        return page === undefined || (anchor !== undefined && !page.includes(`<a id="${anchor}">`))
      })
      .map((target) => `${path}: ${target}`),
  )
  assert.deepEqual(broken, [])
})
