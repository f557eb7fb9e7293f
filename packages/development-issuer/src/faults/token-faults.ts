import { randomBytes, randomUUID } from 'node:crypto'
import { type Interceptor, oauthError, formOf, type TokenDraft, without } from '../interception/exchange.ts'
import { rememberTexts } from '../interception/remembered-texts.ts'
import { defineFault, type FaultKind } from './fault-kind.ts'

export const tokenIssuer: FaultKind = defineFault({
  group: 'tokens',
  title: 'writes a wrong iss into its access tokens, or none',
  causes: ['CF2'],
  parameters: {
    is: {
      kind: 'choice',
      values: ['other', 'slash', 'missing'],
      initial: 'other',
      says: 'what is wrong with it',
    },
  },
  open: ({ is }) =>
    changingClaims((claims) => {
      if (is === 'missing') return without(claims, 'iss')
      return { ...claims, iss: is === 'slash' ? `${String(claims['iss'])}/` : 'https://other.example.com' }
    }),
})

export const tokenAudience: FaultKind = defineFault({
  group: 'tokens',
  title: 'writes a wrong aud into its access tokens, or none',
  causes: ['CF1', 'CF23'],
  parameters: {
    is: {
      kind: 'choice',
      values: ['other', 'slash', 'client', 'missing'],
      initial: 'other',
      says: 'what is wrong with it; client: it is the client id',
    },
  },
  open: ({ is }) =>
    changingClaims((claims) => {
      if (is === 'missing') return without(claims, 'aud')
      if (is === 'client') return { ...claims, aud: claims['client_id'] ?? claims['azp'] ?? 'client' }
      if (is === 'other') return { ...claims, aud: 'https://other.example.com/mcp' }
      const [first]: readonly unknown[] = [claims['aud']].flat()
      return { ...claims, aud: `${String(first)}/` }
    }),
})

export const tokenScope: FaultKind = defineFault({
  group: 'tokens',
  title: 'writes other scopes into its access tokens than it granted, or none',
  causes: ['CF35'],
  parameters: {
    is: {
      kind: 'choice',
      values: ['other', 'empty', 'missing'],
      initial: 'other',
      says: 'what is wrong with it',
    },
  },
  open: ({ is }) =>
    changingClaims((claims) => {
      if (is === 'missing') return without(claims, 'scope')
      return { ...claims, scope: is === 'empty' ? '' : 'profile' }
    }),
})

export const tokenExpiry: FaultKind = defineFault({
  group: 'tokens',
  title: 'hands out access tokens that have expired, or never do',
  causes: ['CF31'],
  parameters: {
    is: {
      kind: 'choice',
      values: ['past', 'missing', 'text'],
      initial: 'past',
      says: 'what is wrong with exp',
    },
  },
  open: ({ is }, { nowSeconds }) =>
    changingClaims((claims) => {
      if (is === 'missing') return without(claims, 'exp')
      if (is === 'text') return { ...claims, exp: String(claims['exp']) }
      const past = nowSeconds() - 3600
      return {
        ...claims,
        iat: past - 60,
        ...(claims['nbf'] !== undefined && { nbf: past - 60 }),
        exp: past,
      }
    }),
})

export const tokenKind: FaultKind = defineFault({
  group: 'tokens',
  title: 'hands out another token in place of the access token',
  causes: ['CF53'],
  parameters: {
    is: { kind: 'choice', values: ['refresh', 'id'], initial: 'refresh', says: 'which token it is' },
  },
  open: ({ is }) => ({
    token(draft, { response }) {
      const refresh = response['refresh_token']
      if (is === 'refresh' && typeof refresh === 'string') return { ...draft, replacement: refresh }
      return is === 'refresh' ? asRefreshToken(draft) : asIdToken(draft)
    },
  }),
})

export const tokenOpaque: FaultKind = defineFault({
  group: 'tokens',
  title: 'hands out access tokens that only it can read',
  causes: ['CF24'],
  parameters: {
    form: { kind: 'choice', values: ['opaque', 'encrypted'], initial: 'opaque', says: 'their form' },
  },
  open: ({ form }) => ({
    token: (draft) => ({
      ...draft,
      replacement: form === 'opaque' ? randomBytes(32).toString('base64url') : encryptedLook(),
    }),
  }),
})

export const clock: FaultKind = defineFault({
  group: 'tokens',
  title: 'has a clock that is wrong, in its tokens and its Date header',
  causes: ['CF31'],
  parameters: {
    seconds: {
      kind: 'number',
      from: -864_000,
      to: 864_000,
      initial: -7200,
      says: 'how far ahead; behind when negative',
    },
  },
  open: ({ seconds }, { nowSeconds }) => {
    const shift = Math.trunc(seconds)
    return {
      answer: (answer) => ({
        ...answer,
        headers: { ...answer.headers, date: new Date((nowSeconds() + shift) * 1000).toUTCString() },
      }),
      ...changingClaims((claims) =>
        Object.fromEntries(
          Object.entries(claims).map(([name, value]) =>
            timeClaims.has(name) && typeof value === 'number' ? [name, value + shift] : [name, value],
          ),
        ),
      ),
    }
  },
})

export const refreshNeedsScope: FaultKind = defineFault({
  group: 'tokens',
  title: 'refuses to refresh for clients that do not repeat the scope',
  causes: ['CF26'],
  parameters: {},
  open: () =>
    refusingTokenRequests((form) =>
      form.get('grant_type') === 'refresh_token' && (form.get('scope') ?? '') === ''
        ? ['invalid_request', 'AADSTS90009: a token for itself is given to no application; name a scope']
        : undefined,
    ),
})

export const refreshOnce: FaultKind = defineFault({
  group: 'tokens',
  title: 'takes each refresh token once, also when the answer to the first use was lost',
  causes: ['CF31'],
  parameters: {},
  open() {
    const used = rememberTexts()
    return refusingTokenRequests((form) => {
      const token = form.get('refresh_token')
      if (form.get('grant_type') !== 'refresh_token' || token === null) return undefined
      if (used.has(token)) return ['invalid_grant', 'the refresh token was used already']
      used.add(token)
      return undefined
    })
  },
})

export const resourceLost: FaultKind = defineFault({
  group: 'tokens',
  title: 'forgets at the consent page which resource was asked for, and then says that it does not match',
  causes: ['CF27'],
  parameters: {},
  open: () =>
    refusingTokenRequests((form) =>
      form.get('grant_type') === 'authorization_code' && form.has('resource')
        ? ['invalid_grant', 'the resource does not match the one of the authorization request']
        : undefined,
    ),
})

const timeClaims: ReadonlySet<string> = new Set(['iat', 'nbf', 'exp', 'auth_time'])

function changingClaims(change: (claims: TokenDraft['claims']) => TokenDraft['claims']): Interceptor {
  return { token: (draft) => ({ ...draft, claims: change(draft.claims) }) }
}

function refusingTokenRequests(
  judge: (form: URLSearchParams) => readonly [error: string, description: string] | undefined,
): Interceptor {
  return {
    ask(exchange) {
      const refusal = exchange.endpoint === 'token' ? judge(formOf(exchange)) : undefined
      return refusal === undefined ? { exchange } : { answer: oauthError(400, ...refusal) }
    },
  }
}

/** As providers write them that give refresh tokens the form of access tokens. */
function asRefreshToken(draft: TokenDraft): TokenDraft {
  return {
    ...draft,
    header: { ...draft.header, typ: 'JWT' },
    claims: { ...draft.claims, tokenType: 'refresh-token', jti: randomUUID() },
  }
}

/** OpenID Connect Core §2: for the client, about a login, with no rights. */
function asIdToken(draft: TokenDraft): TokenDraft {
  const { client_id: clientId, azp } = draft.claims
  return {
    ...draft,
    header: { ...draft.header, typ: 'JWT' },
    claims: {
      ...without(draft.claims, 'scope', 'client_id', 'jti'),
      aud: clientId ?? azp ?? 'client',
      auth_time: draft.claims['iat'],
      nonce: randomUUID(),
    },
  }
}

/** Five parts, as JWE has them (RFC 7516 §3.1), with nothing inside. */
function encryptedLook(): string {
  const header = Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')
  return [header, '', ...[12, 200, 16].map((bytes) => randomBytes(bytes).toString('base64url'))].join('.')
}
