import { DatabaseSync } from 'node:sqlite'
import { createPrivateFile } from './state-folder.ts'

/** One thing that oidc-provider keeps: a code, a token, a grant, a session, an interaction. */
export interface Entry {
  readonly model: string
  readonly id: string
  /** JSON. */
  readonly payload: string
  readonly grantId: string | undefined
  /** A second name to find it by. */
  readonly lookup: string | undefined
  /** Epoch seconds. */
  readonly expiresAt: number | undefined
}

export interface StoredEntry {
  readonly payload: string
  readonly grantId: string | undefined
  /** When it was first used up; epoch seconds. */
  readonly consumedAt: number | undefined
}

export interface RegistrationLimits {
  /** So many registrations that were never used are kept; then the oldest of them goes, unless it is fresh. */
  readonly mostUnused: number
  readonly unusedSeconds: number
  readonly idleSeconds: number
}

export interface StoreLimits extends RegistrationLimits {
  /** So long a registration is never dropped to make room: its client may still be at the login page. */
  readonly freshSeconds: number
}

/** What outlives a request: entries and registered clients, in one SQLite file. */
export interface Store {
  put(entry: Entry): void
  find(model: string, id: string): StoredEntry | undefined
  findByLookup(model: string, lookup: string): StoredEntry | undefined
  /** Marks an entry as used up. Only the first caller gets `true`, whoever else asks at the same time. */
  consume(model: string, id: string): boolean
  remove(model: string, id: string): void
  removeOfGrant(model: string, grantId: string): void
  /** The grant itself and everything that was issued under it. */
  removeGrant(grantId: string): void
  /** @returns false, and keeps nothing, when every place is taken by a registration that is still fresh */
  putClient(clientId: string, metadata: string): boolean
  findClient(clientId: string): string | undefined
  removeClient(clientId: string): void
  /** A client that was given a token is no longer an unused registration. */
  touchClient(clientId: string): void
  close(): void
}

const fileName = 'authorization-server.sqlite'
const schemaVersion = 1
const schema = `
  CREATE TABLE entries (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL,
    grant_id TEXT, lookup TEXT, consumed_at INTEGER, expires_at INTEGER,
    PRIMARY KEY (model, id)
  ) WITHOUT ROWID;
  CREATE INDEX entries_by_grant ON entries (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX entries_by_lookup ON entries (model, lookup) WHERE lookup IS NOT NULL;
  CREATE INDEX entries_by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE clients (
    client_id TEXT PRIMARY KEY, metadata TEXT NOT NULL, registered_at INTEGER NOT NULL, used_at INTEGER
  );
  CREATE INDEX clients_unused ON clients (registered_at) WHERE used_at IS NULL;
`
/** What has expired is deleted at the first write after so many seconds: no timer to keep a process alive. */
const purgeSeconds = 60

/** @throws {Error} when the file was written by a newer version */
export function openStore(folder: string | undefined, limits: StoreLimits, nowSeconds: () => number): Store {
  const path = folder === undefined ? ':memory:' : createPrivateFile(folder, fileName)
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 1000')
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
  if (version > schemaVersion) {
    database.close()
    throw new Error(
      `${path} was written by a newer version (schema ${version}; this one knows ${schemaVersion}). ` +
        'Use that version again, or another state folder.',
    )
  }
  if (version === 0) database.exec(`BEGIN; ${schema}; PRAGMA user_version = ${schemaVersion}; COMMIT`)

  const put = database.prepare(
    `INSERT INTO entries (model, id, payload, grant_id, lookup, expires_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id,
       lookup = excluded.lookup, expires_at = excluded.expires_at`,
  )
  const columns = 'payload, grant_id, consumed_at'
  const alive = '(expires_at IS NULL OR expires_at > ?)'
  const find = database.prepare(`SELECT ${columns} FROM entries WHERE model = ? AND id = ? AND ${alive}`)
  const findByLookup = database.prepare(
    `SELECT ${columns} FROM entries WHERE model = ? AND lookup = ? AND ${alive}`,
  )
  const consume = database.prepare(
    'UPDATE entries SET consumed_at = ? WHERE model = ? AND id = ? AND consumed_at IS NULL',
  )
  const remove = database.prepare('DELETE FROM entries WHERE model = ? AND id = ?')
  const removeOfGrant = database.prepare('DELETE FROM entries WHERE model = ? AND grant_id = ?')
  const removeAllOfGrant = database.prepare('DELETE FROM entries WHERE grant_id = ?')
  const purgeEntries = database.prepare('DELETE FROM entries WHERE expires_at <= ?')
  const countUnused = 'SELECT count(*) FROM clients WHERE used_at IS NULL'
  const putClient = database.prepare(
    `INSERT INTO clients (client_id, metadata, registered_at)
     SELECT ?, ?, ? WHERE (${countUnused}) < ?
     ON CONFLICT (client_id) DO UPDATE SET metadata = excluded.metadata`,
  )
  const findClient = database.prepare('SELECT metadata FROM clients WHERE client_id = ?')
  const removeClient = database.prepare('DELETE FROM clients WHERE client_id = ?')
  const touchClient = database.prepare('UPDATE clients SET used_at = ? WHERE client_id = ?')
  const purgeClients = database.prepare(
    'DELETE FROM clients WHERE (used_at IS NULL AND registered_at <= ?) OR used_at <= ?',
  )
  const makeRoom = database.prepare(
    `DELETE FROM clients WHERE client_id IN (
       SELECT client_id FROM clients WHERE used_at IS NULL AND registered_at <= ?
       ORDER BY registered_at, rowid LIMIT max(0, (${countUnused}) - ?))`,
  )

  let purgedAt = Number.NEGATIVE_INFINITY
  function purge(): void {
    const now = nowSeconds()
    if (now - purgedAt < purgeSeconds) return
    purgedAt = now
    purgeEntries.run(now)
    purgeClients.run(now - limits.unusedSeconds, now - limits.idleSeconds)
  }

  return {
    put(entry) {
      purge()
      const { model, id, payload } = entry
      put.run(model, id, payload, entry.grantId ?? null, entry.lookup ?? null, entry.expiresAt ?? null)
    },
    find: (model, id) => readEntry(find.get(model, id, nowSeconds())),
    findByLookup: (model, lookup) => readEntry(findByLookup.get(model, lookup, nowSeconds())),
    consume: (model, id) => consume.run(nowSeconds(), model, id).changes === 1,
    remove(model, id) {
      remove.run(model, id)
    },
    removeOfGrant(model, grantId) {
      removeOfGrant.run(model, grantId)
    },
    removeGrant(grantId) {
      removeAllOfGrant.run(grantId)
      remove.run('Grant', grantId)
    },
    putClient(clientId, metadata) {
      purge()
      const now = nowSeconds()
      makeRoom.run(now - limits.freshSeconds, limits.mostUnused - 1)
      return putClient.run(clientId, metadata, now, limits.mostUnused).changes === 1
    },
    findClient(clientId) {
      const metadata = findClient.get(clientId)?.['metadata']
      return typeof metadata === 'string' ? metadata : undefined
    },
    removeClient(clientId) {
      removeClient.run(clientId)
    },
    touchClient(clientId) {
      touchClient.run(nowSeconds(), clientId)
    },
    close() {
      database.close()
    },
  }
}

function readEntry(row: Record<string, unknown> | undefined): StoredEntry | undefined {
  if (row === undefined) return undefined
  const { payload, grant_id: grantId, consumed_at: consumedAt } = row
  if (typeof payload !== 'string') return undefined
  return {
    payload,
    grantId: typeof grantId === 'string' ? grantId : undefined,
    consumedAt: typeof consumedAt === 'number' ? consumedAt : undefined,
  }
}
