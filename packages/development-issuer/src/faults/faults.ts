import type { IssuerEngine } from '../engine.ts'
import type { Interceptor } from '../interception/exchange.ts'
import { type ClientFailure, clientFailures } from './client-failures.ts'
import { describeParameter, type FaultGroup, type ParameterValues, readParameters } from './fault-kind.ts'
import { type FaultName, faultNames, faultTable, isFaultName } from './fault-table.ts'
import { createSeededRandom } from './seeded-random.ts'

/** The switches of the faults of one issuer. */
export interface Faults {
  /**
   * Makes the issuer misbehave from the next request on; one that is on already begins anew with these parameters.
   *
   * Faults add up; where they contradict, the order of {@link Faults.list} decides.
   *
   * @param parameters - by name; the rest is as {@link FaultDescription.parameters} says
   * @throws {TypeError} that lists every mistake in name and parameters
   */
  enable(name: FaultName, parameters?: Readonly<Record<string, unknown>>): Promise<void>
  /** Makes the issuer behave again in this respect; keys that it has changed stay changed. */
  disable(name: FaultName): void
  /** Makes the issuer behave again. */
  clear(): void
  /** Every fault that there is, and which are on. */
  list(): readonly FaultDescription[]
}

/** One fault, for people and for tests. */
export interface FaultDescription {
  readonly name: FaultName
  /** What it is about. */
  readonly group: FaultGroup
  /** What it does, as the end of "The issuer …". */
  readonly title: string
  /** What people see of it: an id that is cited in the documentation, and the words. */
  readonly causes: readonly { readonly id: ClientFailure; readonly symptom: string }[]
  readonly parameters: readonly {
    readonly name: string
    readonly says: string
    /** What may stand there. */
    readonly values: string
    readonly initial: string
    /** For the two kinds that have few values. */
    readonly choices: readonly string[]
  }[]
  /** Its parameters while it is on; absent while it is off. */
  readonly on?: ParameterValues
}

interface Active {
  readonly values: ParameterValues
  readonly interceptor: Interceptor
  readonly end: AbortController
}

/** Everything off at first. */
export interface FaultBoard extends Faults {
  /** Those that are on, in the order in which they act. */
  readonly interceptors: () => readonly Interceptor[]
}

/** @param seed - of what is random in faults; undefined takes any */
export function createFaults(
  engine: IssuerEngine,
  seed: number | undefined,
  nowSeconds: () => number,
): FaultBoard {
  const random = createSeededRandom(seed ?? Math.floor(Math.random() * 2 ** 32))
  const active = new Map<FaultName, Active>()
  let interceptors: readonly Interceptor[] = []

  function change(name: FaultName, started: Active | undefined): void {
    active.get(name)?.end.abort()
    if (started === undefined) active.delete(name)
    else active.set(name, started)
    interceptors = faultNames.flatMap((each) => active.get(each)?.interceptor ?? [])
  }

  return {
    async enable(name, parameters = {}) {
      if (!isFaultName(name)) throw new TypeError(unknownFault(name))
      const kind = faultTable[name]
      const read = readParameters(kind.parameters, parameters)
      if (!read.ok)
        throw new TypeError(`The fault ${name} cannot be switched on:\n${read.problems.join('\n')}`)
      const end = new AbortController()
      const tools = { engine, random, nowSeconds, signal: end.signal }
      const interceptor = await kind.open(read.values, tools)
      change(name, { values: read.values, interceptor, end })
    },
    disable(name) {
      if (!isFaultName(name)) throw new TypeError(unknownFault(name))
      change(name, undefined)
    },
    clear() {
      for (const name of active.keys()) change(name, undefined)
    },
    list: () => faultNames.map((name) => describeFault(name, active.get(name)?.values)),
    interceptors: () => interceptors,
  }
}

/** What to say about a name that is none. */
export function unknownFault(name: unknown): string {
  return `There is no fault ${JSON.stringify(String(name).slice(0, 100))}. Known: ${faultNames.join(', ')}.`
}

function describeFault(name: FaultName, on: ParameterValues | undefined): FaultDescription {
  const { group, title, causes, parameters } = faultTable[name]
  return {
    name,
    group,
    title,
    causes: causes.map((id) => ({ id, symptom: clientFailures[id] })),
    parameters: Object.entries(parameters).map(([parameterName, parameter]) => ({
      name: parameterName,
      says: parameter.says,
      values: describeParameter(parameter),
      initial: String(parameter.initial),
      choices: parameter.kind === 'choice' ? [...parameter.values] : [],
    })),
    ...(on !== undefined && { on }),
  }
}
