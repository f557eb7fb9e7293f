import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { mcpClients } from '@mcp-doorman/casdoor'
import { passesAnywhere, redirectUriMistake } from '#internal/redirect-uris'
import { readFixture } from './recorded.ts'

// The form is that of the file.
const matrix = readFixture('authorize/redirect-uri-matrix') as {
  readonly results: readonly { readonly redirectUri: string; readonly accepted: boolean }[]
}

for (const { redirectUri, accepted } of matrix.results) {
  // These pass because the application of the recording lists them, or the domain above.
  const listed = redirectUri.includes('client.example')
  test(`${redirectUri} ${accepted && !listed ? 'passes' : 'does not pass'} for every application`, () => {
    assert.equal(passesAnywhere(redirectUri), accepted && !listed)
  })
}

test('what passes anywhere is decided of any text without throwing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.webUrl(), fc.string({ unit: 'binary' })), (text) => {
      if (!URL.canParse(text)) assert.equal(passesAnywhere(text), false)
      else void passesAnywhere(text)
      void redirectUriMistake(text)
    }),
  )
})

for (const [word, { redirectUris }] of Object.entries(mcpClients)) {
  test(`what is listed for ${word} can be listed, and has to be`, () => {
    for (const redirectUri of redirectUris) {
      assert.equal(redirectUriMistake(redirectUri), undefined, redirectUri)
      assert.equal(passesAnywhere(redirectUri), false, redirectUri)
    }
  })
}
