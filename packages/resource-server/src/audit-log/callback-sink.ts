import type { AuditSink } from '../audit.ts'
import type { AuditRecord } from '../audit-record.ts'

/**
 * Records as objects, one by one, for whatever a program does with them.
 *
 * It is called within each request, so it must be quick. What it throws for a decision denies that request, since
 * there is no decision without a record; for an outcome it is told to `onFailure`.
 */
export function createCallbackSink(
  onRecord: (record: AuditRecord) => void,
  onFailure: (reason: string) => void,
): AuditSink {
  let closed = false
  return {
    write: (line) => {
      if (closed) return
      const record = JSON.parse(line) as AuditRecord // Each line is one record, as the recorder writes it.
      if (record.kind === 'decision') return onRecord(record)
      try {
        onRecord(record)
      } catch (error) {
        onFailure(error instanceof Error ? error.message : String(error))
      }
    },
    available: () => !closed,
    close: async () => {
      closed = true
    },
  }
}
