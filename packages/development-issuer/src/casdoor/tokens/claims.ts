import type { Client } from '../rows/clients.ts'
import type { Claims } from '../keys/signing.ts'
import { type UserRow, userMembersInTokens } from '../rows/user-row.ts'

/** What a pair of tokens says, beside who the user is. */
export interface TokenFacts {
  readonly client: Client
  /** Its roles and permissions put in; an application that speaks for itself is a user too. */
  readonly user: UserRow
  readonly subject: string
  readonly issuer: string
  readonly audience: string
  readonly scope: string
  readonly nonce: string
  /** Empty where no user signed in. */
  readonly signinMethod: string
  readonly id: string
  /** Epoch seconds. */
  readonly issuedAt: number
  readonly accessEndsAt: number
  readonly refreshEndsAt: number
}

export type TokenUse = 'access-token' | 'refresh-token'

type WriteClaims = (facts: TokenFacts, use: TokenUse) => Claims

/** The formats of an application's tokens; another name makes every sign-in fail. */
export const tokenFormats: ReadonlyMap<string, WriteClaims> = new Map<string, WriteClaims>([
  ['JWT', writeWhole],
  ['JWT-Empty', writeShort],
  ['JWT-Standard', writeStandard],
  ['JWT-Custom', writeCustom],
])

function registered(facts: TokenFacts, use: TokenUse): Claims {
  return {
    iss: facts.issuer,
    sub: facts.subject,
    aud: [facts.audience],
    exp: use === 'access-token' ? facts.accessEndsAt : facts.refreshEndsAt,
    nbf: facts.issuedAt,
    iat: facts.issuedAt,
    jti: `admin/${facts.id}`,
  }
}

/** The whole record of the user, secrets included. */
function writeWhole(facts: TokenFacts, use: TokenUse): Claims {
  const { user, nonce, scope, client, signinMethod } = facts
  return {
    ...wholeUser(user),
    tokenType: use,
    ...(nonce !== '' && { nonce }),
    tag: user.tag,
    ...(scope !== '' && { scope }),
    azp: client.application.clientId,
    ...(signinMethod !== '' && { signinMethod }),
    ...registered(facts, use),
  }
}

function wholeUser(user: UserRow): Claims {
  const members: Readonly<Record<string, unknown>> = {
    ...user,
    password: '',
    address: user.address ?? [],
    groups: user.groups ?? [],
    roles: user.roles ?? [],
    permissions: user.permissions ?? [],
    properties: user.properties ?? {},
  }
  return Object.fromEntries(
    userMembersInTokens.map((name) => [name === 'emailVerified' ? 'email_verified' : name, members[name]]),
  )
}

function writeShort(facts: TokenFacts, use: TokenUse): Claims {
  const { user, nonce, scope, client, signinMethod } = facts
  const { owner, name, id, displayName, avatar, email, phone } = user
  return {
    owner,
    name,
    id,
    displayName,
    avatar,
    email,
    phone,
    tokenType: use,
    ...(nonce !== '' && { nonce }),
    ...(scope !== '' && { scope }),
    azp: client.application.clientId,
    ...(signinMethod !== '' && { signinMethod }),
    ...registered(facts, use),
  }
}

/** The names of OpenID Connect: `name` is for people here. */
function writeStandard(facts: TokenFacts, use: TokenUse): Claims {
  const { user, nonce, scope, client } = facts
  return {
    owner: user.owner,
    preferred_username: user.name,
    id: user.id,
    name: user.displayName,
    email: user.email,
    tokenType: use,
    ...(nonce !== '' && { nonce }),
    ...(scope !== '' && { scope }),
    address: {
      formatted: '',
      street_address: '',
      locality: user.location,
      region: user.region,
      postal_code: '',
      country: '',
    },
    azp: client.application.clientId,
    ...registered(facts, use),
  }
}

/**
 * What the application's fields and attributes select, by name in order. A refresh token says `access-token` here too,
 * and the truth under a name that differs in one letter's case.
 */
function writeCustom(facts: TokenFacts, use: TokenUse): Claims {
  const { user, nonce, scope, client } = facts
  const { tokenFields, tokenAttributes, clientId } = client.application
  const claims: Record<string, unknown> = {}
  for (const field of tokenFields ?? []) {
    const [name, value] = selectField(facts, field)
    if (name !== undefined) claims[name] = value
  }
  for (const { name, category, value, type } of tokenAttributes ?? []) {
    const values = category === 'Static Value' ? fillIn(value, user) : [textOf(memberOf(user, value))]
    if (type === 'Array' ? values.length > 0 : values.length === 1) {
      claims[name] = type === 'Array' ? values : values[0]
    }
  }
  Object.assign(claims, registered(facts, use), { azp: clientId, nonce, scope, tokenType: 'access-token' })
  if (use === 'refresh-token') claims['TokenType'] = use
  return Object.fromEntries(Object.entries(claims).toSorted(([one], [other]) => Number(one > other) * 2 - 1))
}

/** Fields are written as the members of Casdoor's own record, which begin with a capital. */
function selectField({ user, signinMethod }: TokenFacts, field: string): readonly [string?, unknown?] {
  if (field === 'permissionNames') return [field, namesOf(user.permissions)]
  const name = field.charAt(0).toLowerCase() + field.slice(1)
  if (name === 'signinMethod') return [name, signinMethod]
  if (!Object.hasOwn(user, name) || name === 'password') return []
  const value = memberOf(user, name)
  const listed = ['groups', 'roles', 'permissions', 'address'].includes(name)
  return [name, value ?? (listed ? [] : null)]
}

/** Names in a static value stand for the user's own: a list for a list, one text otherwise. */
function fillIn(value: string, user: UserRow): readonly string[] {
  const lists: Readonly<Record<string, readonly string[]>> = {
    '$user.roles': namesOf(user.roles),
    '$user.permissions': namesOf(user.permissions),
    '$user.groups': user.groups ?? [],
  }
  const list = lists[value]
  if (list !== undefined) return list
  return [
    value.replace(/\$user\.(owner|name|email|id|phone)/g, (_, name: string) => textOf(memberOf(user, name))),
  ]
}

function memberOf(user: UserRow, name: string): unknown {
  const members: Readonly<Record<string, unknown>> = user
  return Object.hasOwn(members, name) ? members[name] : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function namesOf(rows: readonly { readonly name?: string }[] | null): readonly string[] {
  return (rows ?? []).flatMap(({ name }) => name ?? [])
}
