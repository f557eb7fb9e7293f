import type { Outbound, OutboundAnswer } from '@mcp-doorman/outbound'
import { readEnvelope } from './answers.ts'
import { done, failed, type Result } from './problems.ts'
import {
  certificateFrom,
  isRecord,
  type CasdoorRecord,
  type Certificate,
  type ClientCredentials,
} from './records.ts'

/** Who has objects in Casdoor that belong to nobody: organizations, certificates, applications. */
export const ownerOfAll = 'admin'

/**
 * The part of Casdoor's API that set-up and checks use.
 *
 * `undefined` is what is not there. Answers are bounded by the outbound; nothing is sent twice.
 */
export interface CasdoorApi {
  readonly origin: string
  readOrganization(name: string): Promise<Result<CasdoorRecord | undefined>>
  readCertificate(name: string): Promise<Result<Certificate | undefined>>
  readApplication(name: string): Promise<Result<CasdoorRecord | undefined>>
  /** The applications of one organization. */
  readApplications(organization: string): Promise<Result<readonly CasdoorRecord[]>>
  readUser(organization: string, name: string): Promise<Result<CasdoorRecord | undefined>>
  addOrganization(record: CasdoorRecord): Promise<Result<undefined>>
  /** Casdoor makes the key pair. */
  addCertificate(record: CasdoorRecord): Promise<Result<undefined>>
  addApplication(record: CasdoorRecord): Promise<Result<undefined>>
  addUser(record: CasdoorRecord): Promise<Result<undefined>>
  /** Replaces it whole: what `record` leaves out is lost. */
  updateOrganization(name: string, record: CasdoorRecord): Promise<Result<undefined>>
  /** Replaces it whole: what `record` leaves out is lost. */
  updateApplication(name: string, record: CasdoorRecord): Promise<Result<undefined>>
}

export interface CasdoorApiOptions {
  readonly outbound: Outbound
  /** The origin, without a path or final slash. */
  readonly origin: string
  /** Undefined for what everybody may see. */
  readonly credentials: ClientCredentials | undefined
}

/** Creates the client. Sends nothing yet. */
export function createCasdoorApi({ outbound, origin, credentials }: CasdoorApiOptions): CasdoorApi {
  const headers = { ...plainHeaders, ...(credentials && { authorization: basic(credentials) }) }

  async function read(
    endpoint: string,
    query: Readonly<Record<string, string>>,
  ): Promise<Result<CasdoorRecord | undefined>> {
    const { answer, what } = await get(endpoint, query)
    const data = readEnvelope(answer, what)
    if (!data.ok) return data
    if (data.value === null || data.value === undefined) return done(undefined)
    if (isRecord(data.value)) return done(data.value)
    return failed('not_casdoor', `${what} answered something that is no object. Is this a Casdoor?`)
  }

  async function get(
    endpoint: string,
    query: Readonly<Record<string, string>>,
  ): Promise<{ readonly answer: OutboundAnswer; readonly what: string }> {
    const url = `${origin}/api/${endpoint}?${new URLSearchParams(query).toString()}`
    return { answer: await outbound.request({ url, headers }), what: `GET ${origin}/api/${endpoint}` }
  }

  async function write(endpoint: string, record: CasdoorRecord, id?: string): Promise<Result<undefined>> {
    const query = id === undefined ? '' : `?${new URLSearchParams({ id }).toString()}`
    const answer = await outbound.request({
      url: `${origin}/api/${endpoint}${query}`,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(record),
    })
    const what = `POST ${origin}/api/${endpoint}`
    const data = readEnvelope(answer, what)
    if (!data.ok) return data
    if (data.value === 'Affected') return done(undefined)
    if (data.value === 'Unaffected') {
      return failed(
        'unaffected',
        `${what}: Casdoor answered "ok" and changed nothing. Something with the same name or client id is there already, or what was to be changed is gone.`,
      )
    }
    return failed('not_casdoor', `${what} answered neither "Affected" nor "Unaffected". Is this a Casdoor?`)
  }

  return {
    origin,
    readOrganization: (name) => read('get-organization', { id: `${ownerOfAll}/${name}` }),
    readCertificate: async (name) => {
      const found = await read('get-cert', { id: `${ownerOfAll}/${name}` })
      return found.ok ? done(found.value && certificateFrom(found.value)) : found
    },
    readApplication: (name) => read('get-application', { id: `${ownerOfAll}/${name}` }),
    readApplications: async (organization) => {
      const { answer, what } = await get('get-organization-applications', { owner: ownerOfAll, organization })
      const data = readEnvelope(answer, what)
      return data.ok ? done(Array.isArray(data.value) ? data.value.filter(isRecord) : []) : data
    },
    readUser: (organization, name) => read('get-user', { id: `${organization}/${name}` }),
    addOrganization: (record) => write('add-organization', record),
    addCertificate: (record) => write('add-cert', record),
    addApplication: (record) => write('add-application', record),
    addUser: (record) => write('add-user', record),
    updateOrganization: (name, record) => write('update-organization', record, `${ownerOfAll}/${name}`),
    updateApplication: (name, record) => write('update-application', record, `${ownerOfAll}/${name}`),
  }
}

/** Casdoor words its errors by this; we know them in English. */
export const plainHeaders: Readonly<Record<string, string>> = { 'accept-language': 'en' }

/** Casdoor does not decode what RFC 6749 §2.3.1 has clients encode, so nothing is encoded. */
function basic({ clientId, clientSecret }: ClientCredentials): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`, 'utf8').toString('base64')}`
}
