/** The public API of resource-server: every symbol that can be imported says what it is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSources } from './sources.ts'

const sources = readSources('packages/resource-server/src/**/*.ts')
const entries = sources.filter(({ path }) =>
  /\/src\/(?:index|audit-log\/index|adapters\/[^/]+)\.ts$/.test(path),
)

/** Every name that an entry exports, whether it is defined there or elsewhere. */
const exported = new Set(
  entries.flatMap(({ text }) => [
    ...[...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, names = '']) =>
      names.split(',').map((name) => name.replace('type ', '').trim()),
    ),
    ...[...text.matchAll(/^export (?:async )?(?:interface|type|function|const) (\w+)/gm)].map(
      ([, name = '']) => name,
    ),
  ]),
)
exported.delete('')

test('every exported symbol has a comment', () => {
  assert.ok(exported.size > 60, String(exported.size))
  const bare = [...exported].filter((name) => {
    const definition = new RegExp(`^export (?:async )?(?:interface|type|function|const) ${name}\\b`, 'm')
    const found = sources.flatMap(({ text }) => {
      const at = definition.exec(text)?.index
      return at === undefined ? [] : [text.slice(0, at).trimEnd().endsWith('*/')]
    })
    return found.length === 0 || !found.includes(true)
  })
  assert.deepEqual(bare, [])
})

test('every option has a comment', () => {
  const bare = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/^export interface (\w*Options)\b[^{]*\{\n([^]*?)^\}/gm)].flatMap(
      ([, name = '', body = '']) => {
        if (!exported.has(name)) return []
        const lines = body.split('\n')
        return lines.flatMap((line, place) => {
          const member = /^ {2}readonly (\w+)/.exec(line)?.[1]
          return member === undefined || lines[place - 1]?.trimEnd().endsWith('*/') === true
            ? []
            : [`${path}: ${name}.${member}`]
        })
      },
    ),
  )
  assert.deepEqual(bare, [])
})
