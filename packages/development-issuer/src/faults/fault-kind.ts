import type { Endpoint } from '@mcp-doorman/authorization-server'
import type { IssuerEngine } from '../engine.ts'
import type { Interceptor } from '../interception/exchange.ts'
import type { ClientFailure } from './client-failures.ts'

/** What a parameter of a fault can be. */
export type Parameter =
  | {
      readonly kind: 'choice'
      readonly values: readonly string[]
      readonly initial: string
      readonly says: string
    }
  | { readonly kind: 'endpoints'; readonly initial: readonly Endpoint[]; readonly says: string }
  | {
      readonly kind: 'number'
      readonly from: number
      readonly to: number
      readonly initial: number
      readonly says: string
    }
  | { readonly kind: 'text'; readonly initial: string; readonly says: string }

type ValueOf<P> = P extends { readonly kind: 'choice'; readonly values: readonly (infer V)[] }
  ? V
  : P extends { readonly kind: 'endpoints' }
    ? readonly Endpoint[]
    : P extends { readonly kind: 'number' }
      ? number
      : string

export type Parameters = Readonly<Record<string, Parameter>>
export type ValuesOf<P extends Parameters> = { readonly [Name in keyof P]: ValueOf<P[Name]> }
export type ParameterValue = string | number | readonly Endpoint[]
/** By the names of the parameters. */
export type ParameterValues = Readonly<Record<string, ParameterValue>>

/** What a fault may use. */
export interface FaultTools {
  readonly engine: IssuerEngine
  /** From 0 up to 1; the same for the same seed and the same order of requests. */
  readonly random: () => number
  /** Epoch seconds, by the clock of the system. */
  readonly nowSeconds: () => number
  /** Ends whoever waits, when the issuer closes or the fault is switched off. */
  readonly signal: AbortSignal
}

/** What a fault is about. */
export type FaultGroup = 'answers' | 'metadata' | 'registration' | 'login' | 'tokens' | 'keys'

/** One way in which an issuer can misbehave. */
export interface FaultKind {
  readonly group: FaultGroup
  /** What it does, as the end of "The issuer …". */
  readonly title: string
  /** What people see of it: rows of the table of failures. */
  readonly causes: readonly ClientFailure[]
  readonly parameters: Parameters
  /** Begins to misbehave. What it needs to remember lives until it is switched off. */
  open(values: ParameterValues, tools: FaultTools): Interceptor | Promise<Interceptor>
}

/** Keeps a fault and the types of its parameters together. */
export function defineFault<const P extends Parameters>(fault: {
  readonly group: FaultGroup
  readonly title: string
  readonly causes: readonly ClientFailure[]
  readonly parameters: P
  open(values: ValuesOf<P>, tools: FaultTools): Interceptor | Promise<Interceptor>
}): FaultKind {
  // Whoever opens a fault has read its values by these very parameters.
  return { ...fault, open: (values, tools) => fault.open(values as ValuesOf<P>, tools) }
}

export const endpoints: readonly Endpoint[] = [
  'discovery',
  'jwks',
  'authorization',
  'token',
  'registration',
  'introspection',
  'revocation',
]

/** The parameter of every fault that can strike anywhere. */
export const everywhere = {
  kind: 'endpoints',
  initial: endpoints,
  says: 'where',
} as const satisfies Parameter

export type ReadValues =
  | { readonly ok: true; readonly values: ParameterValues }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Reads parameters from outside: texts as of a command or a form, or values as of code. What is absent is as usual. */
export function readParameters(parameters: Parameters, given: Readonly<Record<string, unknown>>): ReadValues {
  const problems = Object.keys(given)
    .filter((name) => !Object.hasOwn(parameters, name))
    .map((name) => {
      const known = Object.keys(parameters)
      return `${name}: unknown parameter; ${known.length === 0 ? 'it has none' : `known: ${known.join(', ')}`}`
    })
  const values: Record<string, ParameterValue> = {}
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = given[name] === undefined ? parameter.initial : readValue(parameter, given[name])
    if (value === undefined) problems.push(`${name}: must be ${describeParameter(parameter)}`)
    else values[name] = value
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, values }
}

function readValue(parameter: Parameter, given: unknown): ParameterValue | undefined {
  switch (parameter.kind) {
    case 'choice':
      return parameter.values.find((value) => value === given)
    case 'number': {
      const isNumeral = typeof given === 'string' && /^-?\d{1,9}(?:\.\d{1,6})?$/.test(given)
      const value = isNumeral ? Number(given) : given
      const isInRange = typeof value === 'number' && value >= parameter.from && value <= parameter.to
      return isInRange ? value : undefined
    }
    case 'endpoints': {
      const names: readonly unknown[] =
        typeof given === 'string' ? given.split(',') : Array.isArray(given) ? given : []
      const known = endpoints.filter((endpoint) => names.includes(endpoint))
      return names.length > 0 && known.length === names.length ? known : undefined
    }
    case 'text':
      return typeof given === 'string' && /^[\x20-\x7e]{1,2000}$/.test(given) ? given : undefined
  }
}

/** What may stand there, for people. */
export function describeParameter(parameter: Parameter): string {
  switch (parameter.kind) {
    case 'choice':
      return `one of ${parameter.values.join(', ')}`
    case 'number':
      return `a number from ${parameter.from} to ${parameter.to}`
    case 'endpoints':
      return `one or more of ${endpoints.join(', ')}, with commas between`
    case 'text':
      return 'a text of up to 2000 characters of ASCII'
  }
}
