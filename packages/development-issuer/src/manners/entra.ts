import { createHash } from 'node:crypto'
import { formOf, oauthError, parametersOf } from '../interception/exchange.ts'
import { refuseAtClient } from '../interception/refusal.ts'
import type { Manner } from './manner.ts'

/**
 * Microsoft Entra ID with tokens of version 2: metadata at the OpenID address only, no registration, no client-ID
 * metadata documents, `resource` beside `scope` refused, scope wanted at every refresh, and the id of an application as
 * audience.
 */
export const entra: Manner = {
  without: ['clientDocuments', 'registration'],
  interceptor() {
    const mismatch = refuseAtClient(
      'invalid_target',
      "AADSTS9010010: the resource parameter doesn't match with the requested scopes",
    )
    return {
      ask(exchange) {
        const { endpoint, url } = exchange
        if (endpoint === 'discovery' && url.includes('/oauth-authorization-server')) {
          return { answer: oauthError(404, 'not_found', 'nothing is here') }
        }
        if (endpoint === 'authorization') {
          const asked = parametersOf(exchange)
          const isRefused = asked.has('resource') && (asked.get('scope') ?? '') !== ''
          return { exchange: isRefused ? mismatch.ask(exchange) : exchange }
        }
        const form = formOf(exchange)
        const isScopeless = form.get('grant_type') === 'refresh_token' && (form.get('scope') ?? '') === ''
        if (endpoint !== 'token' || !isScopeless) return { exchange }
        const reason = 'AADSTS90009: the application is requesting a token for itself'
        return { answer: oauthError(400, 'invalid_request', reason) }
      },
      answer: (answer, exchange) => mismatch.answer(answer, exchange),
      token: (draft) => ({
        ...draft,
        claims: { ...draft.claims, aud: entraApplicationId(String(draft.claims['aud'])) },
      }),
    }
  },
}

/** The id that the application of a resource has here: the same for the same resource. */
export function entraApplicationId(resource: string): string {
  const digest = createHash('sha256').update(resource).digest('hex')
  return digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
}
