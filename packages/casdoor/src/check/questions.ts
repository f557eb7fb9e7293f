import type { Outbound, OutboundAnswer } from '@mcp-doorman/outbound'
import { plainHeaders } from '../api.ts'
import { discoveryPath } from '../identify.ts'

export interface Watched {
  readonly outbound: Outbound
  /** Every request makes Casdoor store a session for 30 days, so they are counted. */
  readonly count: () => number
  /** Why questions have no answer, each reason once. */
  readonly failures: () => readonly string[]
}

/** An outbound that keeps in mind what became of its requests. */
export function watching(outbound: Outbound): Watched {
  let count = 0
  const failures = new Set<string>()
  return {
    outbound: {
      request: async (request) => {
        count += 1
        const answer = await outbound.request(request)
        if (!answer.ok) failures.add(answer.message)
        return answer
      },
      close: () => outbound.close(),
    },
    count: () => count,
    failures: () => [...failures],
  }
}

/** Nobody's page: what Casdoor says to it, it says to every page that it does not know. */
const foreignOrigin = 'https://page.invalid'

/** What an authorization request would be answered, without making one. */
export interface LoginQuestion {
  readonly clientId: string
  readonly redirectUri: string
  readonly scope: string
}

/** The questions that everybody may ask a Casdoor, each one request. None changes anything. */
export interface Questions {
  discovery(): Promise<OutboundAnswer>
  /** Discovery again, as a page of another origin asks for it. */
  discoveryForPages(): Promise<OutboundAnswer>
  keys(): Promise<OutboundAnswer>
  keysOf(application: string): Promise<OutboundAnswer>
  /** Registers nothing: what an empty registration is refused for tells whether registration is on. */
  registration(): Promise<OutboundAnswer>
  login(question: LoginQuestion): Promise<OutboundAnswer>
  /** Whether a grant is enabled is decided before the secret, which is wrong here, is looked at. */
  grant(clientId: string, grantType: string): Promise<OutboundAnswer>
}

export function createQuestions(outbound: Outbound, origin: string): Questions {
  const get = (path: string, headers = plainHeaders): Promise<OutboundAnswer> =>
    outbound.request({ url: `${origin}${path}`, headers })
  const post = (path: string, type: string, body: string): Promise<OutboundAnswer> =>
    outbound.request({
      url: `${origin}${path}`,
      method: 'POST',
      headers: { ...plainHeaders, 'content-type': type },
      body,
    })
  return {
    discovery: () => get(discoveryPath),
    discoveryForPages: () => get(discoveryPath, { ...plainHeaders, origin: foreignOrigin }),
    keys: () => get('/.well-known/jwks'),
    keysOf: (application) => get(`/.well-known/${encodeURIComponent(application)}/jwks`),
    registration: () => post('/api/oauth/register', 'application/json', '{}'),
    login: ({ clientId, redirectUri, scope }) => {
      const query = { clientId, responseType: 'code', redirectUri, type: 'code', scope, state: 'check' }
      return get(`/api/get-app-login?${new URLSearchParams(query).toString()}`)
    },
    grant: (clientId, grantType) => {
      const form = { grant_type: grantType, client_id: clientId, client_secret: 'wrong on purpose' }
      return post(
        '/api/login/oauth/access_token',
        'application/x-www-form-urlencoded',
        new URLSearchParams(form).toString(),
      )
    },
  }
}
