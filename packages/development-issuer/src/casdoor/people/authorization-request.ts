/** What a client asks of the authorization endpoint. An empty text stands for a parameter that is not there. */
export interface AuthorizationRequest {
  readonly clientId: string
  readonly responseType: string
  readonly redirectUri: string
  readonly scope: string
  readonly state: string
  readonly nonce: string
  readonly codeChallenge: string
  readonly codeChallengeMethod: string
  readonly resource: string
}

type Names = Readonly<Partial<Record<keyof AuthorizationRequest, string>>>

/** What the parameters are called, by who sends them; those that are not here have the names above. */
const names = {
  client: {
    clientId: 'client_id',
    responseType: 'response_type',
    redirectUri: 'redirect_uri',
    codeChallenge: 'code_challenge',
    codeChallengeMethod: 'code_challenge_method',
  },
  /** Casdoor's own page, which passes a request on to the interface. */
  page: { codeChallenge: 'code_challenge', codeChallengeMethod: 'code_challenge_method' },
  /** The same page, once somebody has consented. */
  consent: { codeChallenge: 'challenge' },
} as const satisfies Readonly<Record<string, Names>>

export function readAuthorizationRequest(
  sender: keyof typeof names,
  parameters: Readonly<Record<string, string | undefined>>,
): AuthorizationRequest {
  const known: Names = names[sender]
  const text = (name: keyof AuthorizationRequest): string => parameters[known[name] ?? name] ?? ''
  return {
    clientId: text('clientId'),
    responseType: text('responseType'),
    redirectUri: text('redirectUri'),
    scope: text('scope'),
    state: text('state'),
    nonce: text('nonce'),
    codeChallenge: text('codeChallenge'),
    codeChallengeMethod: text('codeChallengeMethod'),
    resource: text('resource'),
  }
}
