import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inSandbox } from './sandbox.ts'

const tail = Buffer.from([0, 1, 2, 0xff, 0])
const kinds: ReadonlyArray<readonly [name: string, head: string, block: string, mimeType: string]> = [
  ['a PNG', '\x89PNG\r\n\x1a\n', 'image', 'image/png'],
  ['a JPEG', '\xff\xd8\xff\xe0', 'image', 'image/jpeg'],
  ['a GIF', 'GIF89a', 'image', 'image/gif'],
  ['a WebP', 'RIFF\x10\0\0\0WEBPVP8 ', 'image', 'image/webp'],
  ['a WAV', 'RIFF\x10\0\0\0WAVEfmt ', 'audio', 'audio/wav'],
  ['an MP3', 'ID3\x04\0', 'audio', 'audio/mpeg'],
  ['an Ogg', 'OggS\0', 'audio', 'audio/ogg'],
  ['a FLAC', 'fLaC\0', 'audio', 'audio/flac'],
  ['anything else', 'what\0', 'resource', 'application/octet-stream'],
]

for (const [name, head, block, mimeType] of kinds) {
  test(`${name} is told by its bytes and comes whole, as ${block} of ${mimeType}`, () =>
    inSandbox({}, async (sandbox) => {
      const bytes = Buffer.concat([Buffer.from(head, 'latin1'), tail])
      sandbox.put('dir/f ü.txt', bytes)
      const { content, structuredContent } = await sandbox.call('read_file', {
        path: 'dir/f ü.txt',
        limit: 100,
      })
      const [first] = content
      assert.equal(first?.type, block)
      const data = bytes.toString('base64')
      if (first?.type === 'resource') {
        const uri = 'file:///dir/f%20%C3%BC.txt'
        assert.deepEqual(first.resource, { uri, mimeType, blob: data })
      } else {
        assert.deepEqual(first, { type: block, data, mimeType })
      }
      assert.deepEqual(
        [structuredContent?.['encoding'], structuredContent?.['mime_type'], structuredContent?.['size']],
        ['binary', mimeType, bytes.length],
      )
    }))
}

test('text that begins like an image, and SVG, are text', () =>
  inSandbox({}, async (sandbox) => {
    for (const text of ['GIF89a is a format', 'RIFF, WEBP', '<svg xmlns="http://www.w3.org/2000/svg"/>']) {
      sandbox.put('f', text)
      assert.equal((await sandbox.ok('read_file', { path: 'f' })).text, text)
    }
  }))

test('what is not text is sent up to 1 MiB and refused beyond', () =>
  inSandbox({}, async (sandbox) => {
    sandbox.put('largest', Buffer.concat([Buffer.from([0]), randomBytes(1_048_575)]))
    const { content } = await sandbox.call('read_file', { path: 'largest' })
    assert.equal(content[0]?.type, 'resource')
    sandbox.put('larger', Buffer.concat([Buffer.from([0]), randomBytes(1_048_576)]))
    await sandbox.fails('read_file', { path: 'larger' }, 'too_large')
  }))
