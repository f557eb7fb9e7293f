import type { IncomingMessage, ServerResponse } from 'node:http'
import { readOperatorRequest, refuse, sendDocument } from '../operator-request.ts'
import { isFaultName } from './fault-table.ts'
import { type Faults, unknownFault } from './faults.ts'

/**
 * `/development/faults`, for whoever holds the secret of the state folder. GET tells all faults; POST switches, by
 * `{"enable": name, "parameters": {…}}`, `{"disable": name}` or `{"clear": true}`, and then tells them.
 */
export async function answerFaultsRequest(
  faults: Faults,
  secret: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const members = await readOperatorRequest(request, response, secret, ['GET', 'POST'])
  if (members === undefined) return
  const problem = request.method === 'POST' ? await applyWish(faults, members) : undefined
  if (problem !== undefined) return refuse(response, 400, 'invalid_request', problem)
  sendDocument(response, 200, { faults: faults.list() })
}

/** @returns what is wrong with the wish */
async function applyWish(
  faults: Faults,
  wish: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const { enable, disable, clear, parameters = {}, ...unknown } = wish
  const verbs = [enable, disable, clear].filter((verb) => verb !== undefined)
  if (verbs.length !== 1 || Object.keys(unknown).length > 0)
    return 'send exactly one of enable, disable and clear'
  if (clear !== undefined) {
    if (clear !== true) return 'clear: must be true'
    faults.clear()
    return undefined
  }
  const name = enable ?? disable
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters))
    return 'parameters: must be an object'
  if (typeof name !== 'string' || !isFaultName(name)) return unknownFault(name)
  if (disable !== undefined) {
    faults.disable(name)
    return undefined
  }
  try {
    await faults.enable(name, { ...parameters })
    return undefined
  } catch (error) {
    if (error instanceof TypeError) return error.message
    throw error
  }
}
