import { deepEqual, equal, ok } from 'node:assert/strict'
import { isIPv6 } from 'node:net'
import test from 'node:test'
import { classifyAddress, isLoopbackHost, type AddressClass } from '@mcp-doorman/outbound'
import * as fc from 'fast-check'

/** First and last address of each block, and the neighbours outside it. */
const cases: Readonly<Record<AddressClass, readonly string[]>> = {
  public: [
    '1.0.0.0',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '168.63.129.15',
    '168.63.129.17',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.0.3.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2000::1',
    '2001:200::1',
    '2001:4860:4860::8888',
    '2606:4700::1111',
    '2a00::',
    '2003::',
    '3ffe::1',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1',
  ],
  loopback: [
    '127.0.0.0',
    '127.0.0.1',
    '127.255.255.255',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
  ],
  private: [
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
    'fc00::',
    'fd00::1',
    'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    '::ffff:10.0.0.1',
    '::ffff:192.168.1.1',
  ],
  'link-local': [
    '169.254.0.0',
    '169.254.169.254',
    '169.254.170.2',
    '169.254.255.255',
    '100.100.100.200',
    '168.63.129.16',
    'fe80::',
    'fe80::1%eth0',
    'febf::1',
    'fd00:ec2::254',
    'fd00:0ec2:0:0:0:0:0:0254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'fd00:c1::a9fe:a9fe',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
  ],
  other: [
    '0.0.0.0',
    '0.255.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.0',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.255',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.0',
    '255.255.255.255',
    '::',
    '::2',
    '::127.0.0.1', // IPv4-compatible, withdrawn by RFC 4291.
    '::8.8.8.8',
    '::ffff:0.0.0.0',
    '::ffff:0:127.0.0.1', // IPv4-translated, RFC 2765.
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::8.8.8.8', // For translators inside a network, RFC 8215.
    '100::1',
    '1fff:ffff::',
    '2001::1', // Teredo.
    '2001:2::1',
    '2001:db8::1',
    '2001:1ff:ffff::',
    '2002:7f00:1::1',
    '2002:a9fe:a9fe::1',
    '2002:c0a8:1::',
    '3fff::1',
    '3fff:fff::',
    '4000::',
    '5f00::1',
    'fbff::1',
    'fec0::1',
    'ff02::1',
    '',
    'localhost',
    '127.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '[::1]',
    '1.2.3.4.5',
    '1.2.3.256',
    ' 8.8.8.8',
  ],
}

// The keys of the table are its type's.
for (const [expected, addresses] of Object.entries(cases) as [AddressClass, readonly string[]][]) {
  for (const address of addresses) {
    test(`Address "${address}" is ${expected}`, () => equal(classifyAddress(address), expected))
  }
}

test('Any text is classified, never thrown at', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.%[]'.split('')) }),
  )
  fc.assert(fc.property(text, (value) => void classifyAddress(value)))
})

test('The spelling of an IPv6 address does not change where it lives', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      ok(isIPv6(address))
      const expected = classifyAddress(address)
      equal(classifyAddress(address.toUpperCase()), expected)
      equal(classifyAddress(new URL(`http://[${address}]`).hostname.slice(1, -1)), expected)
    }),
  )
})

test('A mapped IPv4 address lives where the IPv4 address does', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) =>
      equal(classifyAddress(`::ffff:${address}`), classifyAddress(address)),
    ),
  )
})

test('A translated IPv4 address is public when the IPv4 address is, and nothing that can be trusted otherwise', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const expected = classifyAddress(address) === 'public' ? 'public' : 'other'
      equal(classifyAddress(`64:ff9b::${address}`), expected)
      const groups = new URL(`http://[::ffff:${address}]`).hostname.slice('[::ffff:'.length, -1)
      equal(classifyAddress(`2002:${groups}::1`), expected)
    }),
  )
})

test('Only 2000::/3 and what it translates to IPv4 is public among IPv6 addresses', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
      const address = (value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []).join(':')
      if (classifyAddress(address) === 'public') equal(value >> 125n, 1n)
    }),
  )
})

test('Loopback hosts are loopback addresses, localhost, and names under it', () => {
  const hosts = [
    'localhost',
    'LOCALHOST',
    'localhost.',
    'app.localhost',
    '127.0.0.1',
    '127.8.9.1',
    '[::1]',
    '::1',
  ]
  deepEqual(
    hosts.filter((host) => !isLoopbackHost(host)),
    [],
  )
})

test('Hosts that only look like loopback are not', () => {
  const hosts = [
    '',
    '.',
    'localhost..',
    'localhost.example.com',
    'notlocalhost',
    '127.0.0.1.example.com',
    '127.1',
    '0.0.0.0',
  ]
  const more = ['[::]', '[64:ff9b::7f00:1]', '10.0.0.1', 'example.com', '[::1', '::1]']
  deepEqual(
    [...hosts, ...more].filter((host) => isLoopbackHost(host)),
    [],
  )
})

test('Any host name is judged, never thrown at', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (host) => void isLoopbackHost(host)))
})
