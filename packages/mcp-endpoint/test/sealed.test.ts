import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createSealed } from '#internal/sealed'
import { rounds } from '../../../test/rounds.ts'

const secret = Buffer.alloc(32, 7)

test('G22, G27: what was sealed comes back for the same purpose, from every server with the secret, and for no other', () => {
  const sealed = createSealed(secret)
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.jsonValue(), (purpose, other, value) => {
      const text = sealed.seal(purpose, value)
      assert.match(text, /^[\w-]+$/)
      const same: unknown = JSON.parse(JSON.stringify(value))
      assert.deepEqual(createSealed(Buffer.from(secret)).open(purpose, text), same)
      if (other !== purpose) assert.equal(sealed.open(other, text), undefined)
      assert.equal(createSealed(Buffer.alloc(32, 8)).open(purpose, text), undefined)
      assert.equal(createSealed().open(purpose, text), undefined)
    }),
    rounds(300),
  )
})

test('G22, G27: a sealed text with one bit changed, cut or lengthened opens nothing', () => {
  const sealed = createSealed(secret)
  const text = sealed.seal('purpose', { after: 'echo' })
  const bytes = Buffer.from(text, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.equal(sealed.open('purpose', changed.toString('base64url')), undefined)
  }
  for (let length = 0; length < text.length; length += 1) {
    assert.equal(sealed.open('purpose', text.slice(0, length)), undefined)
  }
  for (const more of ['=', 'A', ' ', '\n', '-TAMPERED']) {
    assert.equal(sealed.open('purpose', text + more), undefined)
  }
})

test('E10: the same value for the same purpose is the same text; another value shares no beginning with it', () => {
  const sealed = createSealed(secret)
  assert.equal(sealed.seal('purpose', { after: 'a' }), sealed.seal('purpose', { after: 'a' }))
  assert.notEqual(
    sealed.seal('purpose', { after: 'a' }).slice(0, 16),
    sealed.seal('purpose', { after: 'b' }).slice(0, 16),
  )
})

test('opening never throws, whatever the text', () => {
  const sealed = createSealed(secret)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      assert.equal(sealed.open('purpose', text), undefined),
    ),
    rounds(500),
  )
})
