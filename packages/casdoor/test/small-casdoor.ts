/** Just enough of a Casdoor to be set up: rows in a map, answered as recorded. */
import type { Outbound, OutboundAnswer, OutboundRequest } from '@mcp-doorman/outbound'
import { json, watched } from './recorded.ts'

type Row = Record<string, unknown>

export interface SmallCasdoor {
  readonly outbound: Outbound
  /** By kind and id, as `application admin/mcp-files`. */
  readonly rows: Map<string, Row>
  /** Method and path of every request, and what was written. */
  readonly requests: readonly OutboundRequest[]
  /** The paths of the requests that wrote. */
  written(): readonly string[]
  /** Answers in place of the Casdoor; after it, when `late`. */
  interfere: ((request: OutboundRequest, path: string) => OutboundAnswer | undefined) | undefined
  late: boolean
}

const envelope = (data: unknown): OutboundAnswer =>
  json({ status: 'ok', msg: '', sub: '', name: '', data, data2: null, data3: null })

export function createSmallCasdoor(): SmallCasdoor {
  const rows = new Map<string, Row>()
  const outbound = watched((request) => {
    const path = new URL(request.url).pathname
    if (!casdoor.late) return casdoor.interfere?.(request, path) ?? answer(request, path)
    const answered = answer(request, path)
    return casdoor.interfere?.(request, path) ?? answered
  })
  const casdoor: SmallCasdoor = {
    outbound,
    rows,
    requests: outbound.requests,
    written: () =>
      outbound.requests
        .filter(({ method }) => method === 'POST')
        .map(({ url }) => new URL(url).pathname.replace('/api/', '')),
    interfere: undefined,
    late: false,
  }

  function answer({ url, body }: OutboundRequest, path: string): OutboundAnswer {
    const query = new URL(url).searchParams
    if (path === '/api/get-organization-applications') {
      const all = [...rows].filter(([key]) => key.startsWith('application ')).map(([, row]) => row)
      return envelope(all.filter((row) => row['organization'] === query.get('organization')))
    }
    const [, verb = '', kind = ''] = /^\/api\/(get|add|update)-(\w+)$/.exec(path) ?? []
    if (verb === 'get') return envelope(shown(kind, rows.get(`${kind} ${query.get('id')}`)))
    const row = JSON.parse(String(body)) as Row // What is sent is an object: see the test of the shapes.
    const key = `${kind} ${query.get('id') ?? `${row['owner']}/${row['name']}`}`
    if ((verb === 'add') === rows.has(key)) return envelope('Unaffected')
    rows.set(
      key,
      verb === 'add' ? added(kind, row) : { ...row, clientSecret: rows.get(key)?.['clientSecret'] },
    )
    return envelope('Affected')
  }
  return casdoor
}

/** Lists that a new application has none of come back as null. */
const nulls = ['customScopes', 'tokenAttributes']

/** An application is shown with its organization. */
function shown(kind: string, row: Row | undefined): Row | null {
  if (row === undefined) return null
  const whole = Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      nulls.includes(name) && JSON.stringify(value) === '[]' ? null : value,
    ]),
  )
  return kind === 'application' ? { ...whole, organizationObj: { passwordType: 'bcrypt' } } : whole
}

function added(kind: string, row: Row): Row {
  if (kind === 'application') return { clientId: 'c0ffee', clientSecret: 'made by the server', ...row }
  if (kind !== 'cert') return row
  return {
    ...row,
    certificate: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n',
    privateKey: 'never to be seen',
  }
}
