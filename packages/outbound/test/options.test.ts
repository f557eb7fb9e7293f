import { doesNotThrow, equal, throws } from 'node:assert/strict'
import test from 'node:test'
import { createOutbound, type OutboundOptions } from '@mcp-doorman/outbound'
import { fixture } from './loopback-servers.ts'

interface Case {
  readonly name: string
  /** What the types forbid, plain JavaScript and a configuration file can still bring. */
  readonly options: unknown
  readonly expected: RegExp
}

const refused: readonly Case[] = [
  {
    name: 'an unknown option',
    options: { timeout: 5 },
    expected: /timeout: unknown option\. Known are .*timeoutSeconds/,
  },
  { name: 'a time of 0', options: { timeoutSeconds: 0 }, expected: /timeoutSeconds: .*above 0, at most 120/ },
  { name: 'no end of time', options: { timeoutSeconds: Infinity }, expected: /timeoutSeconds: / },
  { name: 'a time that is no number', options: { timeoutSeconds: '5' }, expected: /timeoutSeconds: / },
  { name: 'a body of 0', options: { maxBodyBytes: 0 }, expected: /maxBodyBytes: .*from 1 to 268435456/ },
  { name: 'half a byte', options: { maxBodyBytes: 1.5 }, expected: /maxBodyBytes: / },
  { name: 'a body without end', options: { maxBodyBytes: Infinity }, expected: /maxBodyBytes: / },
  {
    name: 'one origin instead of a list',
    options: { trustedOrigins: 'https://a' },
    expected: /trustedOrigins: must be a list/,
  },
  {
    name: 'a host instead of an origin',
    options: { trustedOrigins: ['idp'] },
    expected: /trustedOrigins\[0\]: is not a URL/,
  },
  {
    name: 'an origin of another kind',
    options: { trustedOrigins: ['ftp://a'] },
    expected: /\[0\]: must begin with https/,
  },
  {
    name: 'an issuer instead of an origin',
    options: { trustedOrigins: ['https://a', 'https://b/realm'] },
    expected: /\[1\]: has more than scheme, host and port\. Write https:\/\/b\./,
  },
  {
    name: 'an origin with a user',
    options: { trustedOrigins: ['https://u@b'] },
    expected: /Write https:\/\/b\./,
  },
  {
    name: 'plain http that is not loopback',
    options: { trustedOrigins: ['http://10.0.0.1:8000'] },
    expected: /\[0\]: http:\/\/10\.0\.0\.1:8000 is plain http and not loopback\. Use https\./,
  },
  {
    name: 'the metadata address',
    options: { trustedOrigins: ['https://169.254.169.254'] },
    expected: /\[0\]: nothing is ever fetched from 169\.254\.169\.254/,
  },
  {
    name: 'all interfaces',
    options: { trustedOrigins: ['https://[::]'] },
    expected: /nothing is ever fetched from ::/,
  },
  {
    name: 'the name of a file instead of a certificate',
    options: { certificateAuthorities: ['/etc/ca.pem'] },
    expected: /certificateAuthorities\[0\]: is not a certificate in PEM/,
  },
  {
    name: 'a key instead of a certificate',
    options: { certificateAuthorities: [fixture('server-key.pem')] },
    expected: /certificateAuthorities\[0\]: is not a certificate/,
  },
  {
    name: 'a broken certificate',
    options: { certificateAuthorities: [fixture('authority.pem').replace('MII', 'AAA')] },
    expected: /certificateAuthorities\[0\]: is not a certificate/,
  },
  {
    name: 'one certificate instead of a list',
    options: { certificateAuthorities: 'x' },
    expected: /must be a list of PEM/,
  },
  {
    name: 'a lookup that is no function',
    options: { lookup: 'dns' },
    expected: /lookup: must be a function/,
  },
]
for (const { name, options, expected } of refused) {
  test(`Options with ${name} are refused at construction`, () => {
    throws(() => createOutbound(options as OutboundOptions), expected)
  })
}

test('All mistakes are told at once', () => {
  const options = { timeoutSeconds: -1, maxBodyBytes: -1, trustedOrigins: ['a', 'http://b'] }
  throws(
    () => createOutbound(options),
    (error) => error instanceof TypeError && error.message.split('\n').length === 5,
  )
})

const accepted: Readonly<Record<string, OutboundOptions>> = {
  nothing: {},
  'loopback http': { trustedOrigins: ['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:8080/'] },
  'a private https origin': { trustedOrigins: ['https://10.0.0.1:8443', 'https://idp.internal'] },
  'two authorities in one text': { certificateAuthorities: [fixture('authority.pem').repeat(2)] },
  'the smallest limits': { timeoutSeconds: 0.001, maxBodyBytes: 1 },
  'the largest limits': { timeoutSeconds: 120, maxBodyBytes: 268_435_456 },
}
for (const [name, options] of Object.entries(accepted)) {
  test(`Options with ${name} are accepted`, () => {
    doesNotThrow(() => createOutbound(options).close())
  })
}

test('Options are copied: a list that changes later changes nothing', async () => {
  const trustedOrigins: string[] = []
  const outbound = createOutbound({ trustedOrigins })
  trustedOrigins.push('http://127.0.0.1:1')
  const answer = await outbound.request({ url: 'http://127.0.0.1:1/' })
  equal(answer.ok || answer.problem, 'insecure_url')
  outbound.close()
})
