import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPage, html } from '#internal/page'
import * as fc from 'fast-check'

test('what is put into a page cannot leave its place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { markup } = html`<p title="${text}">${text}</p>`
      const [, title = '', content = ''] = /^<p title="([^"]*)">([^<]*)<\/p>$/.exec(markup) ?? []
      assert.equal(title, content)
      assert.ok(!/[<>"']/.test(title))
      assert.ok(!/&(?!(amp|lt|gt|quot|#39);)/.test(title))
    }),
  )
})

test('HTML is put in as it is, alone or in a list', () => {
  const item = html`<b>${'<'}</b>`
  assert.equal(html`${[item, item]}|${item}`.markup, '<b>&lt;</b><b>&lt;</b>|<b>&lt;</b>')
})

test('the title of a page is escaped', () => {
  assert.match(formatPage('</title><script>', html``), /<title>&lt;\/title&gt;&lt;script&gt;<\/title>/)
})
