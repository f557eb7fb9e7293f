import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '#internal/failure'
import { readCount, readDuration, readPort, readSize } from '#internal/option-table'
import { settlePublicUrl } from '#internal/public-url'

for (const [text, seconds] of [
  ['30s', 30],
  ['10m', 600],
  ['2h', 7200],
  ['1d', 86_400],
] as const) {
  test(`${text} is ${seconds} seconds`, () => assert.equal(readDuration(text), seconds))
}
for (const text of ['', '10', 'm', '-1m', '1.5h', '0s', '10 m', '1w', '99999999s']) {
  test(`${JSON.stringify(text)} is no time`, () => assert.throws(() => readDuration(text), /with its unit/))
}
for (const [text, bytes] of [
  ['1kB', 1000],
  ['1KiB', 1024],
  ['500MiB', 524_288_000],
  ['2GB', 2_000_000_000],
  ['8000TiB', 8000 * 1024 ** 4],
] as const) {
  test(`${text} is ${bytes} bytes`, () => assert.equal(readSize(text), bytes))
}
for (const text of [
  '',
  '10',
  'MB',
  '-1MB',
  '1.5GB',
  '0MB',
  '10 MB',
  '1mb',
  '1KB',
  '1kiB',
  '9999999TB',
  '9999TiB',
]) {
  test(`${JSON.stringify(text)} is no size`, () => assert.throws(() => readSize(text), /with its unit/))
}
test('counts are read, and what is none is refused', () => {
  assert.equal(readCount('100000'), 100_000)
  for (const text of ['', '0', '-1', '1.5', '1e3', 'x', '1'.repeat(16)]) {
    assert.throws(() => readCount(text), /whole number/, text)
  }
})
for (const text of ['', 'x', '-1', '65536', '80.5', '0x50', ' 80']) {
  test(`${JSON.stringify(text)} is no port`, () => assert.throws(() => readPort(text), /whole number/))
}
test('ports are read', () => assert.deepEqual(['0', '8080', '65535'].map(readPort), [0, 8080, 65_535]))

test('on loopback the URL follows from the address', () => {
  assert.deepEqual(settlePublicUrl(undefined, '127.0.0.1', 8080), {
    resource: 'http://127.0.0.1:8080/mcp',
    notice: undefined,
  })
  assert.equal(settlePublicUrl(undefined, '::1', 8080).resource, 'http://[::1]:8080/mcp')
})
test('elsewhere it must be given', () => {
  for (const host of ['0.0.0.0', '192.0.2.1', '127.999.1.1', '127.0.0.1.example']) {
    assert.throws(() => settlePublicUrl(undefined, host, 8080), UsageError, host)
  }
  assert.equal(settlePublicUrl('https://a.example/x', '0.0.0.0', 8080).resource, 'https://a.example/x')
})
for (const origin of ['https://mcp.example.com', 'https://mcp.example.com/']) {
  test(`${origin} gets /mcp appended, and that is said`, () => {
    const { resource, notice } = settlePublicUrl(origin, '0.0.0.0', 8080)
    assert.equal(resource, 'https://mcp.example.com/mcp')
    assert.match(notice ?? '', /\/mcp was appended/)
  })
}
test('what is no URL is named', () => {
  assert.throws(
    () => settlePublicUrl('mcp.example.com', '127.0.0.1', 8080),
    /mcp\.example\.com" is not a URL/,
  )
})
