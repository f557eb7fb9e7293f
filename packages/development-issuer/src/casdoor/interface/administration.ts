import type { Call } from './call.ts'
import { type Answer, failed, ok, refused } from './envelope.ts'
import { type GoJson, parseRow } from './go-json.ts'
import type { Instance } from '../instance.ts'
import { idOf, type Named, type Table } from '../rows/table.ts'

/** How one kind of row is kept. */
export interface Kind<Row extends Named> {
  /** As in `add-cert`. */
  readonly name: string
  /** As in complaints. */
  readonly goName: string
  readonly empty: Row
  readonly table: (instance: Instance) => Table<Row>
  readonly show: (instance: Instance, row: Row) => unknown
  /** What becomes of a row that is new: defaults, keys, or a complaint. */
  readonly prepare: (instance: Instance, row: Row) => GoJson<Row> | Promise<GoJson<Row>>
  /** What becomes of a row that takes the place of another. */
  readonly revise: (instance: Instance, row: Row, before: Row) => GoJson<Row> | Promise<GoJson<Row>>
  /** Whether another row has something that must be its own, beside the name. */
  readonly isTaken?: (instance: Instance, row: Row) => boolean
  /** What the answer is where there is such a row already. */
  readonly clash: Answer
  /** What else follows from a row that took the place of another. */
  readonly follow?: (instance: Instance, row: Row, before: Row) => void
  /** What else follows from a row that has gone. */
  readonly forget?: (instance: Instance, row: Row) => void
}

export type AnswerRoute = (instance: Instance, call: Call) => Answer | Promise<Answer>

const affected = ok('Affected')
export const unaffected = ok('Unaffected')

/** The answer of the database under Casdoor, which tells its own words. */
export function uniqueClash(table: string): Answer {
  return failed(`constraint failed: UNIQUE constraint failed: ${table}.owner, ${table}.name (1555)`)
}

/** Makes the routes of one kind: get, list, add, update, delete. */
export function administer<Row extends Named>(kind: Kind<Row>): readonly (readonly [string, AnswerRoute])[] {
  return [
    [`GET get-${kind.name}`, (instance, call) => answerGet(kind, instance, call)],
    [`GET get-${kind.name}s`, (instance, call) => answerList(kind, instance, call)],
    [`POST add-${kind.name}`, (instance, call) => answerAdd(kind, instance, call)],
    [`POST update-${kind.name}`, (instance, call) => answerUpdate(kind, instance, call)],
    [`POST delete-${kind.name}`, (instance, call) => answerDelete(kind, instance, call)],
  ]
}

function answerGet<Row extends Named>(kind: Kind<Row>, instance: Instance, call: Call): Answer {
  const row = kind.table(instance).get(call.query.get('id') ?? '')
  return ok(row === undefined ? null : kind.show(instance, row))
}

function answerList<Row extends Named>(kind: Kind<Row>, instance: Instance, call: Call): Answer {
  const owner = call.query.get('owner') ?? ''
  const rows = kind
    .table(instance)
    .all()
    .filter((row) => owner === '' || row.owner === owner)
  return formatList(rows, call, (row) => kind.show(instance, row))
}

/** A page of rows with their number, or all of them where no page was asked for. */
export function formatList<Row>(rows: readonly Row[], { query }: Call, show: (row: Row) => unknown): Answer {
  const page = Number(query.get('p'))
  const size = Number(query.get('pageSize'))
  if (!(page >= 1 && size >= 1)) return ok(rows.map(show))
  return ok(rows.slice((page - 1) * size, page * size).map(show), { data2: rows.length })
}

async function answerAdd<Row extends Named>(
  kind: Kind<Row>,
  instance: Instance,
  call: Call,
): Promise<Answer> {
  const given = readRow(kind, call)
  if (!given.ok) return given.answer
  if (kind.table(instance).get(idOf(given.row)) !== undefined) return kind.clash
  const prepared = await kind.prepare(instance, given.row)
  if (!prepared.ok) return failed(prepared.message)
  if (kind.isTaken?.(instance, prepared.value) === true) return kind.clash
  return kind.table(instance).add(prepared.value) ? affected : kind.clash
}

async function answerUpdate<Row extends Named>(
  kind: Kind<Row>,
  instance: Instance,
  call: Call,
): Promise<Answer> {
  const given = readRow(kind, call)
  if (!given.ok) return given.answer
  const id = call.query.get('id') ?? ''
  const before = kind.table(instance).get(id)
  if (before === undefined) return unaffected
  const { owner, name } = given.row
  const named = {
    ...given.row,
    owner: owner === '' ? before.owner : owner,
    name: name === '' ? before.name : name,
  }
  const revised = await kind.revise(instance, named, before)
  if (!revised.ok) return failed(revised.message)
  if (!kind.table(instance).replace(id, revised.value)) return unaffected
  kind.follow?.(instance, revised.value, before)
  return affected
}

function answerDelete<Row extends Named>(kind: Kind<Row>, instance: Instance, call: Call): Answer {
  const parsed = parseRow(call.body, kind.empty, kind.goName)
  if (!parsed.ok) return failed(parsed.message)
  const gone = kind.table(instance).remove(idOf(parsed.value))
  if (gone === undefined) return unaffected
  kind.forget?.(instance, gone)
  return affected
}

type GivenRow<Row> =
  | { readonly ok: true; readonly row: Row }
  | { readonly ok: false; readonly answer: Answer }

function readRow<Row extends Named>(kind: Kind<Row>, call: Call): GivenRow<Row> {
  const parsed = parseRow(call.body, kind.empty, kind.goName)
  if (!parsed.ok) return { ok: false, answer: failed(parsed.message) }
  if (/[/?:#&%=+;]/.test(parsed.value.name)) {
    const message = `Field 'name' contains forbidden characters: "/?:#&%=+;"`
    return { ok: false, answer: refused(message) }
  }
  return { ok: true, row: parsed.value }
}
