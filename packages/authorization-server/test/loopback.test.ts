import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isThisMachine } from '@mcp-doorman/authorization-server'
import { isLoopbackUrl } from '#internal/loopback'

const hosts: readonly { host: string; here: boolean }[] = [
  { host: 'localhost', here: true },
  { host: '127.0.0.1', here: true },
  { host: '127.255.255.254', here: true },
  { host: '::1', here: true },
  { host: '[::1]', here: true },
  { host: '::ffff:127.0.0.1', here: true },
  { host: '127.999.1.1', here: false },
  { host: '127.0.0.1.example', here: false },
  { host: '128.0.0.1', here: false },
  { host: '0.0.0.0', here: false },
  { host: '::', here: false },
  { host: '::ffff:192.0.2.1', here: false },
  { host: 'doorman.localhost', here: false },
  { host: 'localhost.example', here: false },
  { host: '', here: false },
]
for (const { host, here } of hosts) {
  test(`${JSON.stringify(host)} is ${here ? '' : 'not '}this machine`, () => {
    assert.equal(isThisMachine(host), here)
  })
}

test('of a URL its host is judged, and text that is no URL is not on loopback', () => {
  for (const url of ['http://localhost:1/x', 'https://127.0.0.1', 'http://[::1]:2', 'http://127.1/']) {
    assert.ok(isLoopbackUrl(url), url)
  }
  for (const url of ['http://localhost@evil.example', 'http://127.999.1.1', 'localhost', '']) {
    assert.ok(!isLoopbackUrl(url), url)
  }
})
