import { generateKeyPairSync } from 'node:crypto'
import { certify, type KeyPair } from '#internal/casdoor/keys/certificate'
import type { CasdoorData } from '#internal/casdoor/options'

/** The origin of the recorded instance. Nothing listens there. */
export const origin = 'http://127.0.0.1:18123'

/** When the recorded instance was provisioned, in epoch seconds. */
export const provisionedAt = Date.parse('2026-11-23T02:57:38Z') / 1000

const facts = { organization: 'admin', commonName: 'cert', from: provisionedAt, years: 20 }
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
/** One pair for every cert of a kind: generating more would take long, and changes nothing that is compared. */
export const rsaPair: KeyPair = certify(rsa, facts)
export const ecPair: KeyPair = certify(ec, facts)

const x509 = { scope: 'JWT', type: 'x509' }
export const rsaCert = { ...x509, cryptoAlgorithm: 'RS256', bitSize: 2048, ...rsaPair }
export const ecCert = { ...x509, cryptoAlgorithm: 'ES256', bitSize: 256, ...ecPair }

type Application = NonNullable<CasdoorData['applications']>[number]

const scopes = ['read', 'write', 'list'].map((verb) => ({
  name: `files:${verb}`,
  displayName: verb.charAt(0).toUpperCase() + verb.slice(1),
  description: '',
  tools: [verb === 'list' ? 'list_files' : `${verb}_file`],
}))
const password = { name: 'Password', displayName: 'Password', rule: 'All' }
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

export const defaultApplication = {
  organization: 'acme',
  category: 'Agent',
  type: 'MCP',
  cert: 'cert-acme',
  tags: [],
  grantTypes: ['authorization_code', 'refresh_token'],
  redirectUris: ['http://127.0.0.1:9/cb', 'http://localhost:9/cb', 'https://client.example/cb'],
  enablePassword: true,
  tokenFormat: 'JWT-Custom',
  tokenSigningMethod: 'RS256',
  tokenFields: ['Owner', 'Name', 'permissionNames'],
  expireInHours: 1,
  refreshExpireInHours: 24,
  scopes,
  customScopes: [],
  signinMethods: [password],
} satisfies Partial<Application>

const roleNames = { category: 'Static Value', type: 'Array', value: '$user.roles' }

/** What each application of the recorded instance had that the others had not. */
const applications: Readonly<Record<string, Partial<Application>>> = {
  'mcp-custom': {},
  'mcp-jwt': { tokenFormat: 'JWT' },
  'mcp-short': { tokenFormat: 'JWT-Empty' },
  'mcp-standard': { tokenFormat: 'JWT-Standard' },
  'mcp-auto': { enableAutoSignin: true },
  'mcp-open': { scopes: [] },
  'mcp-consent': { customScopes: [{ scope: 'files:read', displayName: 'Read', description: '' }] },
  'mcp-es256': { cert: 'cert-acme-es', tokenSigningMethod: 'ES256' },
  'mcp-rs512': { tokenSigningMethod: 'RS512' },
  'mcp-default-cert': { cert: '' },
  'mcp-nosignin': { disableSignin: true },
  'mcp-nomethods': { signinMethods: [] },
  'mcp-nopassword': { signinMethods: [], enablePassword: false },
  'mcp-badcert2': { cert: 'no-such-cert' },
  'mcp-badformat': { tokenFormat: 'JWT-Nope' },
  'mcp-algmismatch': { cert: 'cert-acme-es' },
  'mcp-short-lived': { expireInHours: 7 / 3600, refreshExpireInHours: 14 / 3600 },
  'mcp-device': {
    grantTypes: ['authorization_code', deviceGrant],
    signinMethods: [password, { name: 'Device login', displayName: 'Device login', rule: 'All' }],
  },
  'mcp-exchange': { grantTypes: ['authorization_code', exchangeGrant] },
  'mcp-password': { grantTypes: ['authorization_code', 'password'] },
  'mcp-roles-ok': {
    tokenFields: ['Owner', 'Name', 'permissionNames', 'Groups'],
    tokenAttributes: [
      { ...roleNames, name: 'role_names' },
      { ...roleNames, name: 'permission_names', value: '$user.permissions' },
    ],
  },
  'mcp-roles-bad': { tokenAttributes: [{ ...roleNames, name: 'roles' }] },
  'mcp-roles-field': {
    tokenFields: ['Owner', 'Name', 'Email', 'Roles', 'Permissions', 'Groups', 'IsAdmin'],
  },
  'mcp-rot': { cert: 'cert-rot' },
  'mcp-dup': { cert: 'cert-dup' },
  'mcp-bcl': { backchannelLogoutUri: 'http://127.0.0.1:9/logout' },
  facade: {
    tokenFormat: 'JWT-Standard',
    scopes: ['openid', 'profile', 'email'].map((name) => ({
      name,
      displayName: name,
      description: '',
      tools: [],
    })),
  },
  m2m: { grantTypes: ['client_credentials'] },
  'm2m-jwt': { grantTypes: ['client_credentials'], tokenFormat: 'JWT' },
  'rs-introspect': { grantTypes: ['authorization_code'] },
  'shared-bi': { organization: 'built-in', isShared: true },
}

/** Names, ids and passwords as they were recorded. */
const people: readonly (readonly [name: string, id: string])[] = [
  ['alice', 'db8fa0ff-31c8-4bd3-ac7c-44b4fb42f1e2'],
  ['bob', '5c7d4bea-14f6-411a-b80f-8c10fccb925a'],
  ['carol', '574e9ea3-5e7b-4266-a669-54179d9c65b5'],
  ['frank', '00000000-0000-4000-8000-00000000000f'],
]

/** Everybody's password. */
export function passwordOf(name: string): string {
  return `${name}-pass-1`
}

export const recordedData: CasdoorData = {
  organizations: [
    {
      name: 'acme',
      displayName: 'Acme',
      passwordType: 'bcrypt',
      passwordOptions: ['AtLeast6'],
      defaultTokenFormat: 'JWT-Custom',
      tags: [],
      languages: ['en'],
    },
  ],
  certs: [
    { name: 'cert-acme', ...rsaCert },
    { name: 'cert-acme-es', ...ecCert },
    { name: 'cert-built-in', ...rsaCert },
  ],
  applications: Object.entries(applications).map(([name, own]) => ({
    ...defaultApplication,
    name,
    displayName: name,
    clientId: `client-${name}`,
    clientSecret: `secret-${name}`,
    ...own,
  })),
  users: people.map(([name, id]) => ({
    owner: 'acme',
    name,
    id,
    type: 'normal-user',
    password: passwordOf(name),
    displayName: `${name.charAt(0).toUpperCase()}${name.slice(1)} Example`,
    email: `${name}@acme.example`,
    countryCode: 'US',
    address: [],
    properties: {},
    signupApplication: 'mcp-custom',
  })),
  roles: [
    {
      owner: 'acme',
      name: 'editors',
      displayName: 'Editors',
      users: ['acme/alice'],
      groups: [],
      roles: [],
      domains: [],
      isEnabled: true,
    },
  ],
}
