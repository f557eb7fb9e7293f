import { createHash, randomBytes } from 'node:crypto'
import {
  changeJson,
  changeRedirect,
  type Exchange,
  formOf,
  type Interceptor,
  parametersOf,
  withParameters,
} from '../interception/exchange.ts'
import { refuseAtClient } from '../interception/refusal.ts'
import { rememberTexts } from '../interception/remembered-texts.ts'
import type { Manner } from './manner.ts'

/**
 * Auth0: its issuer ends in a slash; a request without `resource` or `audience` gets an opaque token; one for an API
 * that was not registered is told that there is no such service.
 */
export const auth0: Manner = {
  without: [],
  issuer: (issuer) => `${issuer}/`,
  interceptor({ issuer, resources }): Interceptor {
    const identifiers = new Set(resources.map(({ resource }) => resource))
    const withoutAudience = rememberTexts()
    const named = `${issuer}/`

    /** The code challenge ties a token request to its authorization request; later, the refresh token does. */
    function isWithoutAudience(exchange: Exchange): boolean {
      const form = formOf(exchange)
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      return withoutAudience.has(challenge) || withoutAudience.has(form.get('refresh_token') ?? '')
    }

    return {
      ask(exchange) {
        if (exchange.endpoint !== 'authorization') return { exchange }
        const parameters = parametersOf(exchange)
        const audience = parameters.get('resource') ?? parameters.get('audience')
        const challenge = parameters.get('code_challenge')
        if (audience === null) {
          if (challenge !== null) withoutAudience.add(challenge)
          return { exchange }
        }
        if (!identifiers.has(audience)) return { exchange: serviceNotFound(audience).ask(exchange) }
        parameters.set('resource', audience)
        return { exchange: withParameters(exchange, parameters) }
      },
      answer(answer, exchange) {
        if (exchange.endpoint === 'discovery')
          return changeJson(answer, (body) => ({ ...body, issuer: named }))
        if (exchange.endpoint === 'authorization') {
          const asked = parametersOf(exchange)
          const refusal = serviceNotFound(asked.get('resource') ?? asked.get('audience') ?? '')
          return changeRedirect(refusal.answer(answer, exchange), (redirect) => {
            if (redirect.has('iss')) redirect.set('iss', named)
          })
        }
        if (exchange.endpoint !== 'token' || !isWithoutAudience(exchange)) return answer
        return changeJson(answer, (body) => {
          if (typeof body['refresh_token'] === 'string') withoutAudience.add(body['refresh_token'])
          return { ...body, access_token: randomBytes(24).toString('base64url') }
        })
      },
      token: (draft) => ({ ...draft, claims: { ...draft.claims, iss: named } }),
    }
  },
}

function serviceNotFound(audience: string): ReturnType<typeof refuseAtClient> {
  return refuseAtClient('access_denied', `Service not found: ${audience.slice(0, 500)}`)
}
