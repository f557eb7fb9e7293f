import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { readPrivateFile, writePrivateFile } from '@mcp-doorman/authorization-server'

/** What a running development issuer leaves in its state folder for the commands of the same user. */
export interface IssuerFile {
  readonly issuer: string
  readonly pid: number
  /** Opens the endpoint that issues tokens without a login. */
  readonly secret: string
}

const fileName = 'issuer.json'

/**
 * Reads how to reach the development issuer of this state folder, for `POST {issuer}/development/token`.
 *
 * Does not check whether it still runs.
 *
 * @throws {Error} when there is none, or when others may read the file
 */
export function readIssuerSecret(stateFolder: string): IssuerFile {
  const text = readPrivateFile(stateFolder, fileName)
  const file = text === undefined ? undefined : parseIssuerFile(text)
  if (file === undefined) {
    throw new Error(
      `No development issuer runs with the state folder ${stateFolder} (no usable ${fileName} in it). ` +
        'Start one there, or name the folder of the one that runs.',
    )
  }
  return file
}

export function writeIssuerFile(stateFolder: string, file: IssuerFile): void {
  writePrivateFile(stateFolder, fileName, `${JSON.stringify(file)}\n`)
}

/**
 * Two issuers in one folder would take each other's clients, grants and secret.
 *
 * @throws {Error} when the one that the file names still runs, as another process
 */
export function refuseSharedFolder(stateFolder: string): void {
  const text = readPrivateFile(stateFolder, fileName)
  const other = text === undefined ? undefined : parseIssuerFile(text)
  if (other === undefined || other.pid === process.pid || !isRunning(other.pid)) return
  throw new Error(
    `The state folder ${stateFolder} is in use by the issuer ${other.issuer} (process ${other.pid}). ` +
      `Stop that one, or name another folder. If no issuer runs there, remove ${fileName} from it.`,
  )
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Another account's process cannot be signalled, but it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Removes the file, unless another issuer has put its own there meanwhile. */
export function removeIssuerFile(stateFolder: string, secret: string): void {
  const text = readPrivateFile(stateFolder, fileName)
  if (text !== undefined && parseIssuerFile(text)?.secret === secret)
    rmSync(join(stateFolder, fileName), { force: true })
}

function parseIssuerFile(text: string): IssuerFile | undefined {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof document !== 'object' || document === null) return undefined
  if (!('issuer' in document && 'pid' in document && 'secret' in document)) return undefined
  const { issuer, pid, secret } = document
  if (typeof issuer !== 'string' || typeof pid !== 'number' || typeof secret !== 'string') return undefined
  return { issuer, pid, secret }
}
