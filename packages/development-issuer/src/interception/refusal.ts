import { changeRedirect, type Answer, type Exchange, parametersOf, withParameters } from './exchange.ts'

/** A request that the client is to be told an error for. */
export interface Refusal {
  /** The request that the engine will refuse. */
  ask(exchange: Exchange): Exchange
  /** Says why, in place of the engine. */
  answer(answer: Answer, exchange: Exchange): Answer
}

const unknownScope = 'doorman:refused'

/**
 * Refuses an authorization request with an error of choice.
 *
 * The engine is asked for a scope that nobody has, and says so at the redirect, if client and redirect are right: that
 * judgement stays with it, so that nobody is sent where no client is. Then the error is put in the place of its own.
 */
export function refuseAtClient(error: string, description: string): Refusal {
  return {
    ask(exchange) {
      const parameters = parametersOf(exchange)
      parameters.set('scope', unknownScope)
      return withParameters(exchange, parameters)
    },
    answer(answer, exchange) {
      const isOurs =
        exchange.endpoint === 'authorization' && parametersOf(exchange).get('scope') === unknownScope
      if (!isOurs) return answer
      return changeRedirect(answer, (parameters) => {
        parameters.set('error', error)
        parameters.set('error_description', description)
        parameters.delete('scope')
      })
    },
  }
}
