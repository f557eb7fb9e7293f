import { testOptions } from './option-rows.ts'

testOptions([
  ['nothing wrong', {}, []],
  ['an option that is undefined', { resourceName: undefined, maxTokenBytes: undefined }, []],
  [
    'every option',
    {
      audienceAliases: ['x'],
      publishedScopes: ['a'],
      challengeScopes: ['a'],
      callerLimit: 'off',
      resourceName: 'x',
      documentation: 'https://x.example',
      clockToleranceSeconds: 0,
      maxTokenBytes: 32_768,
      maxCachedTokens: 100,
      errorWithoutToken: true,
      keyTimes: { maxAge: 1 },
      outboundTimeoutSeconds: 1,
      nowSeconds: () => 1,
    },
    [],
  ],
  [
    'every option of a rule',
    {
      rules: [
        {
          id: 'r',
          tools: ['x'],
          resources: ['y'],
          prompts: ['z'],
          require: { scopes: ['a'], anyScope: ['a'], anyRole: ['r'], anyGroup: ['g'], anyClient: ['c'] },
          when: () => true,
          otherwise: 'hide',
          limit: { count: 1, perSeconds: 1, burst: 2 },
        },
      ],
    },
    [],
  ],
  [
    'every option of an issuer',
    {
      issuers: [
        {
          issuer: 'https://i.example',
          jwksUri: 'https://i.example/k?v=1',
          algorithms: ['RS256'],
          allowedClients: ['c'],
        },
        { casdoor: 'https://c.example', application: 'x', allowedClients: ['c'], allowedOwners: ['o'] },
      ],
    },
    [],
  ],

  ['a misspelt option', { isuers: [] }, [/^isuers: unknown option\. Did you mean "issuers"\?$/]],
  [
    'an option in another case',
    { callerlimit: 'off' },
    [/^callerlimit: unknown option\. Did you mean "callerLimit"\?$/],
  ],
  ['an option nobody knows', { banana: 1 }, [/^banana: unknown option\. Remove it\.$/]],
  ['an option named like a method of objects', { constructor: 1 }, [/^constructor: unknown option/]],
  [
    'a misspelt option of an issuer',
    { issuers: [{ issuer: 'https://i.example', algorithm: ['RS256'] }] },
    [/^issuers\[0\]\.algorithm: unknown option\. Did you mean "algorithms"\?$/],
  ],
  [
    'an option of the other kind of issuer',
    { issuers: [{ issuer: 'https://i.example', application: 'x' }] },
    [/^issuers\[0\]\.application: unknown option/],
  ],
  [
    'a misspelt option of a rule',
    { rules: [{ tools: ['x'], wen: () => true }] },
    [/^rules\[0\]\.wen: unknown option\. Did you mean "when"\?$/],
  ],
  [
    'a misspelt requirement',
    { rules: [{ tools: ['x'], require: { scope: ['a'] } }] },
    [/^rules\[0\]\.require\.scope: unknown option\. Did you mean "scopes"\?$/],
  ],
  [
    'a misspelt option of a limit',
    { rules: [{ tools: ['x'], limit: { count: 1, perSecond: 1 } }] },
    [
      /^rules\[0\]\.limit\.perSecond: unknown option\. Did you mean "perSeconds"\?$/,
      /^rules\[0\]\.limit\.perSeconds: must be/,
    ],
  ],
  [
    'a misspelt option of a scope',
    { scopes: { a: { implie: [] } } },
    [/^scopes\["a"\]\.implie: unknown option\. Did you mean "implies"\?$/],
  ],
  ['a misspelt time', { keyTimes: { maxAgeSeconds: 1 } }, [/^keyTimes\.maxAgeSeconds: unknown option/]],

  [
    'no options at all',
    { resource: undefined, issuers: undefined, scopes: undefined, rules: undefined, audit: undefined },
    [
      /^resource: is missing/,
      /^issuers: is missing/,
      /^scopes: is missing/,
      /^rules: is missing/,
      /^audit: is missing/,
    ],
  ],
  [
    'a string where a list belongs, which could match parts of names',
    { rules: [{ tools: ['x'], require: { anyClient: 'ops-console' } }] },
    [/^rules\[0\]\.require\.anyClient: must be a list of strings, and is a string\.$/],
  ],
  [
    'tools that are one string',
    { rules: [{ tools: 'x' }] },
    [/^rules\[0\]\.tools: must be a list of strings/],
  ],
  [
    'a list with a number',
    { challengeScopes: ['a', 7] },
    [/^challengeScopes: must be a list of strings, and is a list\.$/],
  ],
  [
    'clients that are one string',
    { issuers: [{ issuer: 'https://i.example', allowedClients: 'abc' }] },
    [/^issuers\[0\]\.allowedClients: must be a list of strings, and is a string\.$/],
  ],
  [
    'another word than any',
    { issuers: [{ casdoor: 'https://i.example', allowedClients: 'all' }] },
    [/^issuers\[0\]\.allowedClients: must be a list of strings or "any", and is a string\.$/],
  ],
  [
    'another word than hide',
    { rules: [{ tools: ['x'], otherwise: 'hidden' }] },
    [/^rules\[0\]\.otherwise: must be "refuse" or "hide", and is a string\.$/],
  ],
  [
    'a condition that is no function',
    { rules: [{ tools: ['x'], when: true }] },
    [/^rules\[0\]\.when: must be a function, and is a boolean\.$/],
  ],
  [
    'another word than off',
    { callerLimit: 'none' },
    [/^callerLimit: must be an object or "off", and is a string\.$/],
  ],
  [
    'an issuer that is a string',
    { issuers: ['https://i.example'] },
    [/^issuers: must be a list of objects, and is a list\.$/],
  ],
  [
    'an issuer that names none',
    { issuers: [{ jwksUri: 'https://i.example' }] },
    [/^issuers\[0\]: names no issuer/],
  ],
  [
    'scopes that are a list',
    { scopes: ['a'] },
    [/^scopes: must be an object with an object for each name, and is a list\.$/],
  ],
  [
    'a scope that is null',
    { scopes: { a: null } },
    [/^scopes: must be an object with an object for each name, and is an object\.$/],
  ],
  ['null', { keyTimes: null }, [/^keyTimes: must be an object, and is null\.$/]],
  [
    'a sink without its functions',
    { audit: { write: () => undefined } },
    [/^audit\.available: must be a function/, /^audit\.close: must be a function/],
  ],
  [
    'text where true or false belongs',
    { errorWithoutToken: 'false' },
    [/^errorWithoutToken: must be true or false/],
  ],
])
