import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { formatStartingFile } from '#internal/config/starting-file'
import { readConfiguration } from '#internal/config/read-configuration'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const pages = globSync(['docs/guides/*.md', 'README.md', 'packages/*/README.md'], { cwd: root }).toSorted()
const shown = pages.flatMap((page) =>
  [...readFileSync(`${root}/${page}`, 'utf8').matchAll(/```yaml\n(version: 1\n[^]*?)```/g)].map(
    ([, text = '']) => ({ page, text }),
  ),
)

test('there is a configuration in the guides', () => assert.ok(shown.length > 0))

for (const { page, text } of [...shown, { page: 'doorman config init', text: formatStartingFile() }]) {
  test(`the configuration in ${page} is fine`, () => {
    const reading = readConfiguration(text, '/etc/doorman/doorman.yaml', page)
    assert.ok(reading.ok, reading.ok ? '' : reading.problems)
  })
}
