import { equalTexts } from '../../users.ts'
import type { ApplicationRow } from './application-row.ts'
import type { Instance } from '../instance.ts'

/** An application as one client id names it. */
export interface Client {
  readonly application: ApplicationRow
  /** As it was sent: of a shared application it says for which organization. */
  readonly clientId: string
  /** Whose users may sign in. */
  readonly organization: string
}

const sharedMark = '-org-'

export function findClient(instance: Instance, clientId: string): Client | undefined {
  if (clientId === '') return undefined
  const applications = instance.applications.all()
  const own = applications.find((row) => row.clientId === clientId)
  if (own !== undefined) return { application: own, clientId, organization: own.organization }
  const mark = clientId.lastIndexOf(sharedMark)
  if (mark === -1) return undefined
  const shared = applications.find((row) => row.isShared && row.clientId === clientId.slice(0, mark))
  return shared && { application: shared, clientId, organization: clientId.slice(mark + sharedMark.length) }
}

/** Whether a secret is that of the application; one without a secret has none that fits. */
export function isSecretOf({ clientSecret }: ApplicationRow, given: string): boolean {
  return clientSecret !== '' && equalTexts(given, clientSecret)
}

/** Of an application that nobody named by a client id. */
export function clientOf(application: ApplicationRow): Client {
  return { application, clientId: application.clientId, organization: application.organization }
}
