import type { InputRequest, InputRequests } from '../input.ts'

type Capabilities = Readonly<Record<string, unknown>>

/**
 * What a client would have to be able to do, and has not declared, for these requests: as MCP writes capabilities.
 * `undefined` when it can do all of it.
 */
export function neededCapabilities(
  requests: InputRequests,
  declared: Capabilities,
): Capabilities | undefined {
  const needed: Record<string, unknown> = {}
  for (const request of Object.values(requests)) {
    const { name, mode } = capabilityOf(request)
    const has = declared[name]
    if (!isFields(has)) needed[name] = mode === undefined ? {} : { [mode]: {} }
    // A client that names no mode can do forms, which came first.
    else if (mode !== undefined && !isFields(has[mode])) needed[name] = { [mode]: {} }
  }
  return Object.keys(needed).length > 0 ? needed : undefined
}

function capabilityOf({ method, params }: InputRequest): { readonly name: string; readonly mode?: 'url' } {
  switch (method) {
    case 'elicitation/create':
      return params['mode'] === 'url' ? { name: 'elicitation', mode: 'url' } : { name: 'elicitation' }
    case 'sampling/createMessage':
      return { name: 'sampling' }
    case 'roots/list':
      return { name: 'roots' }
  }
}

function isFields(value: unknown): value is Capabilities {
  return typeof value === 'object' && value !== null
}
