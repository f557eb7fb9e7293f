import { createHash, randomBytes } from 'node:crypto'
import type { KnownClient } from '@mcp-doorman/authorization-server'
import { openCasdoor } from './casdoor/casdoor.ts'
import type { CasdoorData } from './casdoor/options.ts'
import type { EngineSettings, IssuerEngine } from './engine.ts'
import { filesScopeDescriptions } from './standard-engine.ts'
import type { DevelopmentUser } from './users.ts'

/** With `like: 'casdoor'`, the application that clients use, under the id of the first client: `doorman-dev`. */
export const casdoorApplication = 'mcp-files'
const certName = 'cert-mcp-files'
const defaultOrganization = 'doorman'
const refreshHours = 168

/**
 * The engine with the manners of Casdoor: an organization with the users, and an application with a row for each scope,
 * which signs with a cert of its own, so that Doorman can trust it with `{ casdoor, application: 'mcp-files' }`.
 *
 * Casdoor knows less of some things: whoever signs in grants what the client asks for, whatever `mayConsentTo` says; an
 * application is for one organization, here that of the first user; registration is off unless the options ask for it;
 * there are no client documents, and no policy of redirects but its own; nothing is kept in the state folder.
 */
export async function openCasdoorEngine(settings: EngineSettings): Promise<IssuerEngine> {
  const { issuer, users, autoLogin, autoConsent, nowSeconds, onServerError } = settings
  refuseOptions(settings)
  const organization = organizationOf(users[0], defaultOrganization)
  return openCasdoor({
    origin: issuer,
    data: describeInstance(settings, organization),
    application: casdoorApplication,
    ...(autoLogin !== undefined && {
      autoLogin: `${organizationOf(autoLogin, organization)}/${autoLogin.name}`,
    }),
    ...(nowSeconds !== undefined && { nowSeconds }),
    autoConsent,
    onServerError,
  })
}

/** @throws {TypeError} for what no Casdoor can be told */
function refuseOptions({ clientDocuments, redirects }: EngineSettings): void {
  const given = Object.entries({ clientDocuments, redirects }).filter(([, value]) => value !== undefined)
  if (given.length === 0) return
  const lines = given.map(
    ([name]) => `${name}: Casdoor has nothing of the kind. Leave it out, or the manner.`,
  )
  throw new TypeError(`The development issuer was given options that cannot be used:\n${lines.join('\n')}`)
}

function organizationOf(user: DevelopmentUser | undefined, otherwise: string): string {
  return user?.organization ?? otherwise
}

function describeInstance(settings: EngineSettings, organization: string): CasdoorData {
  const { users, clients, registration } = settings
  const names = new Set([organization, ...users.map((user) => organizationOf(user, organization))])
  return {
    organizations: [...names].map((name) => ({
      name,
      displayName: name,
      passwordType: 'bcrypt',
      passwordOptions: ['AtLeast6'],
      countryCodes: ['US'],
      languages: ['en'],
      tags: [],
      dcrPolicy: registration === undefined || registration === false ? '' : 'open',
      defaultTokenFormat: 'JWT-Custom',
    })),
    certs: [{ name: certName, scope: 'JWT', type: 'x509', cryptoAlgorithm: 'RS256', bitSize: 2048 }],
    applications: clients.map((client, index) =>
      describeApplication(settings, organization, client, index === 0 ? casdoorApplication : client.clientId),
    ),
    users: users.map((user) => describeUser(user, organizationOf(user, organization))),
    roles: describeRoles(users, organization),
  }
}

/** Clients ask for these beside the scopes of a resource; without rows of their own, Casdoor refuses the whole request. */
const oidcScopes = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'].map((scope) => ({
  scope,
  displayName: scope,
  description: '',
}))

type ApplicationData = NonNullable<CasdoorData['applications']>[number]

function describeApplication(
  { resources, accessTokenSeconds }: EngineSettings,
  organization: string,
  client: KnownClient,
  name: string,
): ApplicationData {
  const scopes = [...new Set(resources.flatMap((resource) => resource.scopes))].map((scope) => ({
    scope,
    displayName: describeScope(resources, scope),
    description: '',
  }))
  return {
    name,
    organization,
    displayName: client.name ?? name,
    category: 'Agent',
    type: 'MCP',
    cert: certName,
    tags: [],
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: client.redirectUris,
    enablePassword: true,
    signinMethods: [{ name: 'Password', displayName: 'Password', rule: 'All' }],
    tokenFormat: 'JWT-Custom',
    tokenSigningMethod: 'RS256',
    tokenFields: ['Owner', 'Name', 'Groups', 'permissionNames'],
    tokenAttributes: [{ name: 'role_names', category: 'Static Value', value: '$user.roles', type: 'Array' }],
    expireInHours: accessTokenSeconds / 3600,
    refreshExpireInHours: refreshHours,
    scopes: [...scopes, ...oidcScopes].map(({ scope, ...texts }) => ({ name: scope, ...texts, tools: [] })),
    customScopes: scopes,
    clientId: client.clientId,
    clientSecret: client.secret ?? randomBytes(20).toString('hex'),
  }
}

function describeScope(resources: EngineSettings['resources'], scope: string): string {
  const described = resources.flatMap(({ scopeDescriptions }) => scopeDescriptions?.[scope] ?? [])
  return described[0] ?? filesScopeDescriptions[scope] ?? scope
}

function describeUser(
  user: DevelopmentUser,
  organization: string,
): NonNullable<CasdoorData['users']>[number] {
  return {
    owner: organization,
    name: user.name,
    id: idOfUser(organization, user.name),
    type: 'normal-user',
    password: user.password,
    displayName: user.displayName ?? user.name,
    email: user.email ?? '',
    groups: user.groups ?? [],
    signupApplication: casdoorApplication,
  }
}

/** The same after each start, unlike Casdoor's own, so that what a server keeps for a user stays theirs. */
function idOfUser(organization: string, name: string): string {
  const digits = createHash('sha256').update(`${organization}/${name}`).digest('hex')
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
}

function describeRoles(
  users: readonly DevelopmentUser[],
  organization: string,
): NonNullable<CasdoorData['roles']> {
  const members = new Map<string, string[]>()
  for (const user of users) {
    const owner = organizationOf(user, organization)
    for (const role of user.roles ?? []) {
      const id = `${owner}/${role}`
      members.set(id, [...(members.get(id) ?? []), `${owner}/${user.name}`])
    }
  }
  return [...members].map(([id, names]) => {
    const slash = id.indexOf('/')
    const name = id.slice(slash + 1)
    return {
      owner: id.slice(0, slash),
      name,
      displayName: name,
      users: names,
      groups: [],
      roles: [],
      domains: [],
      isEnabled: true,
    }
  })
}
