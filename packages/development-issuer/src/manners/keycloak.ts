import { untrustedHost } from '../faults/registration-faults.ts'
import { parametersOf, withParameters, without } from '../interception/exchange.ts'
import { refuseAtClient } from '../interception/refusal.ts'
import type { Manner } from './manner.ts'

/**
 * Keycloak 26 as installed: it ignores `resource`, so that no token names an audience, until a mapper is set up; it lets
 * no host register clients, and answers there without CORS headers; an unknown scope is an error.
 */
export const keycloak: Manner = {
  without: ['clientDocuments'],
  interceptor({ resources }) {
    const identifiers = new Set(resources.map(({ resource }) => resource))
    const scopes = new Set(['openid', 'offline_access', ...resources.flatMap((resource) => resource.scopes)])
    const unknownScope = refuseAtClient('invalid_scope', 'Invalid scopes')
    return {
      ask(exchange) {
        if (exchange.endpoint === 'registration') return { answer: untrustedHost() }
        if (exchange.endpoint !== 'authorization' && exchange.endpoint !== 'token') return { exchange }
        const parameters = parametersOf(exchange)
        const asked = (parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
        if (exchange.endpoint === 'authorization' && asked.some((scope) => !scopes.has(scope))) {
          return { exchange: unknownScope.ask(exchange) }
        }
        const ignored = parameters.getAll('resource').filter((resource) => !identifiers.has(resource))
        if (ignored.length === 0) return { exchange }
        for (const resource of ignored) parameters.delete('resource', resource)
        return { exchange: withParameters(exchange, parameters) }
      },
      answer(answer, exchange) {
        if (exchange.endpoint !== 'registration') return unknownScope.answer(answer, exchange)
        const kept = Object.entries(answer.headers).filter(([name]) => !name.startsWith('access-control-'))
        return { ...answer, headers: Object.fromEntries(kept) }
      },
      token: (draft) => ({ ...draft, claims: without(draft.claims, 'aud') }),
    }
  },
}
