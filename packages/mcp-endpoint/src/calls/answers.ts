import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { isFields, type Fields } from '../fields.ts'
import type { InputRequest } from '../input.ts'

/** What an answer is to its request; `undefined` for one that does not fit, which is then asked for again. */
export function readAnswer({ method, params }: InputRequest, answer: unknown): unknown {
  if (!isFields(answer)) return undefined
  switch (method) {
    case 'elicitation/create':
      return readElicited(params, answer)
    case 'sampling/createMessage':
      return readSampled(answer)
    case 'roots/list':
      return readRoots(answer)
  }
}

function readElicited(params: Fields, { action, content }: Fields): unknown {
  if (action === 'decline' || action === 'cancel') return { action }
  if (action !== 'accept') return undefined
  const schema = params['requestedSchema']
  if (schema === undefined) return { action }
  const given = content ?? {}
  return isFields(given) && checkOf(schema as Fields)(given) ? { action, content: given } : undefined
}

function readSampled({ role, content, model, stopReason }: Fields): unknown {
  const blocks = Array.isArray(content) ? content : [content]
  const fits =
    (role === 'user' || role === 'assistant') &&
    typeof model === 'string' &&
    blocks.every((block) => isFields(block) && typeof block['type'] === 'string')
  return fits ? { role, content, model, ...(typeof stopReason === 'string' && { stopReason }) } : undefined
}

function readRoots({ roots }: Fields): unknown {
  if (!Array.isArray(roots)) return undefined
  const read = roots.map((root: unknown) => {
    if (!isFields(root) || typeof root['uri'] !== 'string' || !root['uri'].startsWith('file://'))
      return undefined
    const { uri, name } = root
    return { uri, ...(typeof name === 'string' && { name }) }
  })
  return read.includes(undefined) ? undefined : { roots: read }
}

// Authors write a form once, as a rule, so its schema is the same object each time.
const checks = new WeakMap<object, ValidateFunction>()
// Clients ignore words that they do not know, and so may an author's form have them.
const ajv = new Ajv2020({ strict: false, validateFormats: false })

function checkOf(schema: Fields): ValidateFunction {
  let check = checks.get(schema)
  if (check === undefined) {
    // A schema that is built for each call must not stay in ajv's own memory.
    check = ajv.compile(schema)
    ajv.removeSchema(schema)
    checks.set(schema, check)
  }
  return check
}
