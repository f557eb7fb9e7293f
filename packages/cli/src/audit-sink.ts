import type { AuditSink } from '@mcp-doorman/resource-server'
import { createLineSink, openAuditFile } from '@mcp-doorman/resource-server/audit-log'
import { messageOf } from './failure.ts'

/**
 * Where a command keeps records: in the file, or as lines on standard error.
 *
 * @throws {Error} that says what to do, when the file cannot be kept
 */
export function openAuditSink(path: string | undefined): AuditSink {
  if (path === undefined) return createLineSink(process.stderr.fd)
  const onFailure = (reason: string): void => {
    process.stderr.write(
      `Records cannot be written, so requests are answered 503 until they can: ${reason}\n`,
    )
  }
  try {
    return openAuditFile({ path, onFailure })
  } catch (error) {
    throw new Error(
      `Records cannot be kept in ${path}: name a file in a folder that exists. (${messageOf(error)})`,
      { cause: error },
    )
  }
}
