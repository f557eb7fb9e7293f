import {
  type Answer,
  changeJson,
  changeRedirect,
  type Exchange,
  type Interceptor,
  parametersOf,
  parseObject,
  withParameters,
} from '../interception/exchange.ts'
import { refuseAtClient } from '../interception/refusal.ts'
import { rememberTexts } from '../interception/remembered-texts.ts'
import { defineFault, type FaultKind, type FaultTools } from './fault-kind.ts'

export const iss: FaultKind = defineFault({
  group: 'login',
  title: 'announces and sends iss in other combinations than both',
  causes: ['CF11', 'CF12', 'CF13', 'CF14'],
  parameters: {
    mode: {
      kind: 'choice',
      values: ['off', 'send-only', 'advertise-only', 'wrong'],
      initial: 'off',
      says: 'off: neither; wrong: both, but that of another issuer',
    },
  },
  open({ mode }, { engine }) {
    const wrong = mode === 'wrong' ? 'https://other.example.com' : undefined
    const sent = mode === 'send-only' ? engine.issuer : wrong
    const announced = mode === 'advertise-only' || mode === 'wrong'
    return {
      answer(answer, { endpoint }) {
        if (endpoint === 'discovery') return announceIss(answer, announced)
        if (endpoint !== 'authorization') return answer
        return changeRedirect(answer, (parameters) => {
          if (sent === undefined) parameters.delete('iss')
          else parameters.set('iss', sent)
        })
      },
    }
  },
})

export const redirectPorts: FaultKind = defineFault({
  group: 'login',
  title: 'compares the ports of redirects on loopback, which clients choose anew each time',
  causes: ['CF15'],
  parameters: {},
  open: (_values, tools) => allowingRedirects(tools, withoutLoopbackName),
})

export const redirectHosts: FaultKind = defineFault({
  group: 'login',
  title: 'takes localhost, 127.0.0.1 and [::1] for three hosts',
  causes: ['CF16'],
  parameters: {},
  open: (_values, tools) => allowingRedirects(tools, withoutPort),
})

export const scopeNotRegistered: FaultKind = defineFault({
  group: 'login',
  title: 'grants no scope to clients that named none when they registered',
  causes: ['CF19'],
  parameters: {},
  open() {
    const scopeless = rememberTexts()
    return refusingAtClient(
      (exchange) => scopeless.has(parametersOf(exchange).get('client_id') ?? ''),
      'invalid_scope',
      'the client may ask for no scope',
      {
        answer(answer, exchange) {
          const registered = exchange.endpoint === 'registration' ? parseObject(answer.body) : undefined
          const wished = parseObject(exchange.body)?.['scope']
          if (answer.status === 201 && (wished === undefined || wished === '')) {
            scopeless.add(String(registered?.['client_id']))
          }
          return answer
        },
      },
    )
  },
})

export const offlineAccessRefused: FaultKind = defineFault({
  group: 'login',
  title: 'refuses requests that ask for offline_access beside what it knows',
  causes: ['CF20'],
  parameters: {},
  open: () =>
    refusingAtClient(
      (exchange) => (parametersOf(exchange).get('scope') ?? '').split(' ').includes('offline_access'),
      'invalid_scope',
      'offline_access is not allowed',
    ),
})

export const emptyScopeRefused: FaultKind = defineFault({
  group: 'login',
  title: 'takes an empty scope parameter for a scope that it does not know',
  causes: ['CF21'],
  parameters: {},
  open: () =>
    refusingAtClient(
      (exchange) => parametersOf(exchange).get('scope') === '',
      'invalid_scope',
      'the scope "" is unknown',
    ),
})

export const resourceRefused: FaultKind = defineFault({
  group: 'login',
  title: 'refuses every request that says which resource it is for',
  causes: ['CF1', 'CF25'],
  parameters: {
    says: {
      kind: 'text',
      initial: 'AADSTS9010010: the resource does not go with the scopes',
      says: 'the description of the error',
    },
  },
  open: ({ says }) =>
    refusingAtClient((exchange) => parametersOf(exchange).has('resource'), 'invalid_target', says),
})

export const formAction: FaultKind = defineFault({
  group: 'login',
  title:
    'lets the forms of its pages lead to itself only, which browsers apply to the redirect after them too',
  causes: ['CF32'],
  parameters: {},
  open: () => ({
    answer(answer) {
      const policy = answer.headers['content-security-policy']
      if (typeof policy !== 'string') return answer
      const stricter = `${policy}; form-action 'self'`
      return { ...answer, headers: { ...answer.headers, 'content-security-policy': stricter } }
    },
  }),
})

function announceIss(answer: Answer, announced: boolean): Answer {
  return changeJson(answer, (document) => ({
    ...document,
    authorization_response_iss_parameter_supported: announced,
  }))
}

/** Sends those that are to be refused back to the client with an error; the engine still judges the redirect itself. */
function refusingAtClient(
  isRefused: (exchange: Exchange) => boolean,
  error: string,
  description: string,
  further: Interceptor = {},
): Interceptor {
  const refusal = refuseAtClient(error, description)
  return {
    ask: (exchange) => ({
      exchange:
        exchange.endpoint === 'authorization' && isRefused(exchange) ? refusal.ask(exchange) : exchange,
    }),
    answer: (answer, exchange) => further.answer?.(answer, exchange) ?? refusal.answer(answer, exchange),
  }
}

/** Of the redirects that the engine would take, only those that stay equal under a reading. */
function allowingRedirects({ engine }: FaultTools, read: (uri: string) => string): Interceptor {
  return {
    async ask(exchange) {
      if (exchange.endpoint !== 'authorization') return { exchange }
      const parameters = parametersOf(exchange)
      const [clientId, uri] = [parameters.get('client_id'), parameters.get('redirect_uri')]
      if (clientId === null || uri === null) return { exchange }
      const registered = await engine.findRedirectUris(clientId)
      if (registered?.some((candidate) => read(candidate) === read(uri)) !== false) return { exchange }
      // The engine refuses it in its own words; some take every path on loopback.
      parameters.set('redirect_uri', 'https://not-registered.invalid/')
      return { exchange: withParameters(exchange, parameters) }
    },
  }
}

const loopback = /^(https?:\/\/)(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(?=\/|\?|$)/

function withoutLoopbackName(uri: string): string {
  return uri.replace(loopback, '$1loopback$3')
}

function withoutPort(uri: string): string {
  return uri.replace(loopback, '$1$2')
}
