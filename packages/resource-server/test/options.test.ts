import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createResourceServer } from '@mcp-doorman/resource-server'
import { good, mistakesOf, testOptions } from './option-rows.ts'

testOptions([
  ['no issuer', { issuers: [] }, [/^issuers: is empty\. Name who issues tokens/]],
  [
    'one issuer twice',
    { issuers: [{ issuer: 'https://i.example' }, { casdoor: 'https://i.example', allowedClients: 'any' }] },
    [/^issuers: one is named twice\.$/],
  ],
  [
    'L1: an issuer of plain http',
    { issuers: [{ issuer: 'http://i.example' }] },
    [/^issuer: "http:\/\/i\.example" must be https/],
  ],
  ['L1: an issuer of plain http on loopback', { issuers: [{ issuer: 'http://127.0.0.1:3000' }] }, []],
  [
    'L1: keys of plain http',
    { issuers: [{ issuer: 'https://i.example', jwksUri: 'http://i.example/keys' }] },
    [/^jwksUri: "http:\/\/i\.example\/keys" must be https/],
  ],
  [
    'an issuer with a query',
    { issuers: [{ issuer: 'https://i.example/?x' }] },
    [/^issuer: .* must have no user, query or fragment/],
  ],
  [
    'an issuer with an empty fragment',
    { issuers: [{ issuer: 'https://i.example/#' }] },
    [/^issuer: .* must have no user, query or fragment/],
  ],
  [
    'an issuer with a password',
    { issuers: [{ issuer: 'https://:p@i.example' }] },
    [/^issuer: .* must have no user, query or fragment/],
  ],
  [
    'an issuer that is no URL',
    { issuers: [{ issuer: 'i.example' }] },
    [/^issuer: "i\.example" is not a URL/],
  ],
  [
    'an issuer at a cloud metadata address',
    { issuers: [{ issuer: 'https://169.254.169.254' }] },
    [/^issuer https:\/\/169\.254\.169\.254: .*nothing is ever fetched from/],
  ],
  [
    'a symmetric algorithm',
    { issuers: [{ issuer: 'https://i.example', algorithms: ['HS256'] }] },
    [/algorithm "HS256" is not one/],
  ],
  [
    'an algorithm in small letters',
    { issuers: [{ issuer: 'https://i.example', algorithms: ['rs256'] }] },
    [/algorithm "rs256" is not one/],
  ],
  [
    'alg none',
    { issuers: [{ issuer: 'https://i.example', algorithms: ['none'] }] },
    [/algorithm "none" is not one/],
  ],
  [
    'CR15: a Casdoor of which any application would do',
    { issuers: [{ casdoor: 'https://i.example' }] },
    [/any application of this Casdoor could obtain tokens/],
  ],
  [
    'a Casdoor with a path',
    { issuers: [{ casdoor: 'https://i.example/', allowedClients: 'any' }] },
    [/must be the bare origin .* Write "https:\/\/i\.example"/],
  ],

  ['L1: a resource of plain http', { resource: 'http://mcp.example/mcp' }, [/^resource: .* must be https/]],
  ['L1: a resource of plain http on loopback', { resource: 'http://127.0.0.1:3000/mcp' }, []],
  ['a resource of another scheme', { resource: 'ftp://127.0.0.1/mcp' }, [/^resource: .* must be https/]],
  [
    'a resource with a final slash',
    { resource: 'https://mcp.example/mcp/' },
    [/^resource: .* must not end in a slash/],
  ],
  ['a resource without a path, with its slash', { resource: 'https://mcp.example/' }, []],
  ['a resource with a query', { resource: 'https://mcp.example/mcp?x=1' }, [/no user, query or fragment/]],
  [
    'a resource with an empty query',
    { resource: 'https://mcp.example/mcp?' },
    [/no user, query or fragment/],
  ],
  [
    'a resource with an empty fragment',
    { resource: 'https://mcp.example/mcp#' },
    [/no user, query or fragment/],
  ],
  ['a resource with a user', { resource: 'https://me@mcp.example/mcp' }, [/no user, query or fragment/]],
  [
    'a resource with a host in capitals',
    { resource: 'https://MCP.example/mcp' },
    [/not in its normal form\. Write "https:\/\/mcp\.example\/mcp"/],
  ],
  [
    'a resource with the default port',
    { resource: 'https://mcp.example:443/mcp' },
    [/not in its normal form\. Write "https:\/\/mcp\.example\/mcp"/],
  ],
  ['a resource that is no URL', { resource: 'mcp' }, [/^resource: "mcp" is not a URL/]],

  [
    'A10, CR9: offline_access as a scope',
    { scopes: { a: {}, offline_access: {} } },
    [/^scopes\["offline_access"\]: is between client and issuer/],
  ],
  [
    'A10, CR9: offline_access in the first challenge',
    { challengeScopes: ['offline_access'] },
    [/^challengeScopes: "offline_access" is between client and issuer/],
  ],
  [
    'an unknown scope in the first challenge',
    { challengeScopes: ['c'] },
    [/^challengeScopes: "c" is not among the scopes/],
  ],
  [
    'an unknown published scope',
    { publishedScopes: ['toString'] },
    [/^publishedScopes: "toString" is not among the scopes/],
  ],
  ['a scope with a space', { scopes: { a: {}, 'b c': {} } }, [/^scopes\["b c"\]: has characters/]],
  ['a scope with a quote', { scopes: { a: {}, 'b"': {} } }, [/has characters that a scope cannot have/]],
  [
    'a rule for an unknown scope',
    { rules: [{ tools: ['x'], require: { scopes: ['c'], anyScope: ['d'] } }] },
    [/^rules\[0\]\.require: scope "c"/, /^rules\[0\]\.require: scope "d"/],
  ],
  ['a rule that names nothing', { rules: [{}] }, [/^rules\[0\]: names nothing/]],
  [
    'a list of which nobody can have one',
    { rules: [{ tools: ['x'], require: { anyRole: [], anyScope: [] } }] },
    [/anyScope: is empty, which nobody can meet/, /anyRole: is empty, which nobody can meet/],
  ],
  [
    'two rules of one id',
    {
      rules: [
        { id: 'r', tools: ['x'] },
        { id: 'r', tools: ['y'] },
      ],
    },
    [/^rules\[1\]\.id: "r" is also the id of rules\[0\]/],
  ],
  [
    'a rule whose id is another’s place',
    { rules: [{ id: 'rules[1]', tools: ['x'] }, { tools: ['y'] }] },
    [/^rules\[1\]\.id: "rules\[1\]" is also the id of rules\[0\]/],
  ],
  ['a rule with an empty id', { rules: [{ id: '', tools: ['x'] }] }, [/^rules\[0\]\.id: is empty/]],
  [
    'scopes that imply each other',
    { scopes: { a: { implies: ['b'] }, b: { implies: ['a'] } } },
    [/"a".*implies itself/, /"b".*implies itself/],
  ],

  [
    'a rate of nothing',
    { callerLimit: { count: 0, perSeconds: 0 } },
    [/^callerLimit\.count: must be a whole number/, /^callerLimit\.perSeconds: must be 1 to 86400/],
  ],
  [
    'a rate that is no number',
    { callerLimit: { count: Number.NaN, perSeconds: Number.NaN } },
    [/count: must be/, /perSeconds: must be/],
  ],
  [
    'a burst with a fraction',
    { callerLimit: { count: 1, perSeconds: 1, burst: 1.5 } },
    [/^callerLimit\.burst: must be a whole number/],
  ],
  [
    'a negative tolerance',
    { clockToleranceSeconds: -1 },
    [/^clockToleranceSeconds: must be 0 to 300, and is -1\.$/],
  ],
  [
    'a tolerance of more than minutes',
    { clockToleranceSeconds: 301 },
    [/^clockToleranceSeconds: must be 0 to 300/],
  ],
  [
    'a tolerance that is no number',
    { clockToleranceSeconds: Number.NaN },
    [/^clockToleranceSeconds: must be 0 to 300, and is NaN\.$/],
  ],
  ['tokens of any length', { maxTokenBytes: Infinity }, [/^maxTokenBytes: must be 1024 to 32768/]],
  ['no room for tokens', { maxCachedTokens: 0 }, [/^maxCachedTokens: must be 100 to 1000000/]],
  [
    'keys that never age',
    { keyTimes: { maxAge: Number.NaN } },
    [/^keyTimes\.maxAge: must be 1 to 86400, and is NaN\.$/],
  ],
  [
    'keys that are stale before they are old',
    { keyTimes: { maxAge: 100, staleLimit: 50 } },
    [/^keyTimes\.staleLimit: is 50, less than the maxAge of 100/],
  ],
  ['no cooldown', { keyTimes: { cooldown: 0 } }, [/^keyTimes\.cooldown: must be 1 to 3600/]],
  [
    'no time for the issuer',
    { outboundTimeoutSeconds: 0 },
    [/issuer https:\/\/issuer\.example: timeoutSeconds: must be a number above 0/],
  ],
])

test('all mistakes are said at once, each with its place and its remedy', () => {
  const mistakes = mistakesOf({
    resource: 'https://mcp.example/mcp/',
    isuers: [],
    issuers: [{ issuer: 'http://issuer.example' }, { casdoor: 'https://auth.example' }],
    scopes: { a: { implies: ['a'] }, 'b c': {} },
    challengeScopes: ['c'],
    rules: [
      { tools: ['x'], require: { scopes: ['d'] }, limit: { count: 0, perSeconds: 60 }, wen: () => true },
    ],
    clockToleranceSeconds: 1000,
  })
  assert.deepEqual(mistakes, [
    'isuers: unknown option. Did you mean "issuers"?',
    'rules[0].wen: unknown option. Did you mean "when"?',
    'resource: "https://mcp.example/mcp/" must not end in a slash: clients compare it byte for byte. Remove the slash.',
    'scopes["b c"]: has characters that a scope cannot have (RFC 6749 §3.3).',
    'challengeScopes: "c" is not among the scopes. Add it, or correct the name.',
    'clockToleranceSeconds: must be 0 to 300, and is 1000.',
    'issuer: "http://issuer.example" must be https; plain http is for loopback only.',
    'casdoor https://auth.example: any application of this Casdoor could obtain tokens for this server. Name the application, or the client ids to accept.',
    'scopes["a"].implies: the scope implies itself. Remove one step of the cycle.',
    'rules[0].require: scope "d" is not among the scopes. Add it, or correct the name.',
    'rules[0].limit.count: must be a whole number from 1 to 10000000, and is 0.',
  ])
})

test('a value in the wrong place is not shown', () => {
  const [mistake = ''] = mistakesOf({ nowSeconds: 'canary-secret' })
  assert.equal(mistake, 'nowSeconds: must be a function, and is a string.')
})

test('the options themselves are left as they were', () => {
  const frozen = Object.freeze({
    ...good,
    rules: Object.freeze([Object.freeze({ tools: Object.freeze(['x']) })]),
  })
  void createResourceServer(frozen).close()
})
