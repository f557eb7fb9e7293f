import type { Interceptor } from '../interception/exchange.ts'
import { defineFault, everywhere, type FaultKind, type FaultTools } from './fault-kind.ts'
import { cut, empty, html, serverError, slow } from './transport-faults.ts'

/** Ready to strike: with the parameters that a fault has by itself. */
const troubles = [serverError, html, empty, cut, slow]

export const random: FaultKind = defineFault({
  group: 'answers',
  title: 'misbehaves now and then: an error, a page, nothing, half an answer, or a slow one',
  causes: ['CF7', 'CF39'],
  parameters: {
    at: everywhere,
    rate: { kind: 'number', from: 0.01, to: 1, initial: 0.2, says: 'how often; 1 is always' },
    seconds: { kind: 'number', from: 0.01, to: 600, initial: 2, says: 'how long a slow answer takes' },
  },
  async open({ at, rate, seconds }, tools) {
    const opened: Interceptor[] = []
    for (const kind of troubles) opened.push(await openTrouble(kind, { at, seconds }, tools))
    const struck = new WeakMap<object, Interceptor>()
    return {
      ask(exchange) {
        // Two draws for every request, so that what comes next does not depend on what came before.
        const [strikes, which] = [tools.random() < rate, Math.floor(tools.random() * opened.length)]
        const trouble = strikes ? opened[which] : undefined
        if (trouble !== undefined) struck.set(exchange.headers, trouble)
        return trouble?.ask?.(exchange) ?? { exchange }
      },
      answer: (answer, exchange) => struck.get(exchange.headers)?.answer?.(answer, exchange) ?? answer,
    }
  },
})

function openTrouble(
  kind: FaultKind,
  given: Readonly<Record<string, number | readonly string[]>>,
  tools: FaultTools,
): Interceptor | Promise<Interceptor> {
  const values = Object.entries(kind.parameters).map(([name, { initial }]) => [name, given[name] ?? initial])
  return kind.open(Object.fromEntries(values), tools)
}
