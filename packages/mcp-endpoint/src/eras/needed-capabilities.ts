import { isFields, type Fields } from '../fields.ts'
import type { InputRequest, InputRequests } from '../input.ts'

/**
 * What a client would have to be able to do, and has not declared, for these requests: as MCP writes capabilities.
 * `undefined` when it can do all of it.
 */
export function neededCapabilities(requests: InputRequests, declared: Fields): Fields | undefined {
  const needed: Record<string, unknown> = {}
  for (const request of Object.values(requests)) {
    const { name, mode } = capabilityOf(request)
    if (!canDo(declared[name], mode))
      needed[name] = mode === undefined || mode === 'form' ? {} : { [mode]: {} }
  }
  return Object.keys(needed).length > 0 ? needed : undefined
}

function canDo(capability: unknown, mode: 'form' | 'url' | undefined): boolean {
  if (!isFields(capability)) return false
  if (mode === undefined || isFields(capability[mode])) return true
  // A client that names no mode can do forms, which came first.
  return mode === 'form' && capability['url'] === undefined
}

function capabilityOf({ method, params }: InputRequest): {
  readonly name: string
  readonly mode?: 'form' | 'url'
} {
  switch (method) {
    case 'elicitation/create':
      return { name: 'elicitation', mode: params['mode'] === 'url' ? 'url' : 'form' }
    case 'sampling/createMessage':
      return { name: 'sampling' }
    case 'roots/list':
      return { name: 'roots' }
  }
}
