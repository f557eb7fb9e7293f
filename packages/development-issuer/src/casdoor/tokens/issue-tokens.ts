import { randomUUID } from 'node:crypto'
import { tokenFormats } from './claims.ts'
import type { Client } from '../rows/clients.ts'
import { formatTime, type Instance } from '../instance.ts'
import { findSigner, signClaims } from '../keys/signing.ts'
import { emptyToken, type TokenRow } from '../rows/small-rows.ts'
import { hashOf } from '../rows/token-rows.ts'
import { emptyUser, type UserRow } from '../rows/user-row.ts'
import { withRoles } from '../rows/user-view.ts'

/** What is granted to whom. */
export interface Grant {
  readonly client: Client
  /** Undefined where the application speaks for itself. */
  readonly user: UserRow | undefined
  readonly issuer: string
  readonly scope: string
  /** Empty: the tokens are for the client itself. */
  readonly resource: string
  readonly nonce: string
  readonly signinMethod: string
  /** Empty where the tokens are handed out at once. */
  readonly code: string
  readonly codeChallenge: string
  readonly dpopThumbprint: string
  /** Instead of the application's lifetime. */
  readonly seconds?: number
}

export type Issued =
  | { readonly ok: true; readonly row: TokenRow }
  | { readonly ok: false; readonly message: string; readonly fault: 'request' | 'application' }

const codeSeconds = 300

/** The parts of a grant that most do not have. */
export const plainGrant = {
  resource: '',
  nonce: '',
  signinMethod: '',
  code: '',
  codeChallenge: '',
  dpopThumbprint: '',
} as const

/**
 * Makes both tokens, and remembers the code that stands for them. Casdoor signs when the code is issued, so their times are those
 * of the sign-in.
 */
export async function issueTokens(instance: Instance, grant: Grant): Promise<Issued> {
  const { client, issuer, scope, nonce, signinMethod } = grant
  const { application } = client
  const writeClaims = tokenFormats.get(application.tokenFormat)
  if (writeClaims === undefined) {
    return {
      ok: false,
      message: `unknown application TokenFormat: ${application.tokenFormat}`,
      fault: 'application',
    }
  }
  const found = findSigner(instance, application)
  if (!found.ok) return { ...found, fault: 'application' }

  const now = instance.nowSeconds()
  const id = randomUUID()
  const user = grant.user === undefined ? applicationAsUser(client) : withRoles(instance, grant.user)
  const accessSeconds = grant.seconds ?? Math.round(application.expireInHours * 3600)
  const refreshSeconds = Math.round(application.refreshExpireInHours * 3600)
  const facts = {
    client,
    user,
    issuer,
    scope,
    nonce,
    signinMethod,
    id,
    subject: user.id,
    audience: grant.resource === '' ? client.clientId : grant.resource,
    issuedAt: now,
    accessEndsAt: now + accessSeconds,
    refreshEndsAt: now + (refreshSeconds === 0 ? accessSeconds : refreshSeconds),
  }
  const accessToken = await signClaims(found.signer, writeClaims(facts, 'access-token'), 'with key id')
  const refreshToken =
    grant.user === undefined
      ? ''
      : await signClaims(found.signer, writeClaims(facts, 'refresh-token'), 'without key id')
  const row: TokenRow = {
    ...emptyToken,
    owner: 'admin',
    name: id,
    createdTime: formatTime(now),
    application: application.name,
    organization: grant.user?.owner ?? 'app',
    user: user.name,
    code: grant.code,
    accessToken,
    refreshToken,
    accessTokenHash: hashOf(accessToken),
    refreshTokenHash: refreshToken === '' ? '' : hashOf(refreshToken),
    expiresIn: accessSeconds,
    scope,
    tokenType: grant.dpopThumbprint === '' ? 'Bearer' : 'DPoP',
    codeChallenge: grant.codeChallenge,
    codeExpireIn: now + codeSeconds,
    resource: grant.resource,
    dPoPJkt: grant.dpopThumbprint,
  }
  instance.tokens.put(row)
  return { ok: true, row }
}

function applicationAsUser({ application }: Client): UserRow {
  const id = `${application.owner}/${application.name}`
  return { ...emptyUser, owner: application.owner, name: application.name, id, type: 'application' }
}
