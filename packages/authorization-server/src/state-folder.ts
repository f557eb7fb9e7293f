import { randomBytes } from 'node:crypto'
import {
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  closeSync,
} from 'node:fs'
import { join } from 'node:path'

/**
 * Creates the folder if it is not there, for its owner only (mode 0700).
 *
 * A folder that is there already keeps its mode: it may hold other things, and every file of ours is 0600 by itself.
 * But others must not be able to put files of theirs in the place of ours. The folders above it are not checked.
 *
 * @throws {Error} when it belongs to another account, or others may write to it
 */
export function createStateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (process.getuid === undefined) return // On Windows, neither owner nor mode says who may write.
  const { uid, mode } = statSync(folder)
  if (uid !== process.getuid()) {
    throw new Error(
      `The state folder ${folder} ${explainOwner(uid)} could change what is kept there. ` +
        'Name another folder, or run this as the account that owns it.',
    )
  }
  if ((mode & 0o022) === 0) return
  throw new Error(
    `The state folder ${folder} may be written to by others (mode ${formatMode(mode)}), who could put their keys in ` +
      `the place of ours. Run: chmod 700 '${folder}', and delete from it what you do not know.`,
  )
}

/**
 * Writes a file that only its owner may read (mode 0600). Whoever reads it meanwhile sees the old text or the new one.
 */
export function writePrivateFile(folder: string, name: string, text: string): void {
  const path = join(folder, name)
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** Makes sure that a file is there, and private, before something else opens it by name. */
export function createPrivateFile(folder: string, name: string): string {
  const path = join(folder, name)
  closeSync(openSync(path, 'a', 0o600))
  checkPrivate(path)
  return path
}

/**
 * Reads a file of ours.
 *
 * @returns undefined when there is none
 * @throws {Error} when it belongs to another account, or others may read it
 */
export function readPrivateFile(folder: string, name: string): string | undefined {
  const path = join(folder, name)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  checkPrivate(path)
  return text
}

function checkPrivate(path: string): void {
  if (process.getuid === undefined) return // On Windows, neither owner nor mode says who may read.
  const { uid, mode } = statSync(path)
  if (uid !== process.getuid()) {
    throw new Error(
      `${path} ${explainOwner(uid)} knows what it holds. Delete the file, or run this as the account that owns it.`,
    )
  }
  if ((mode & 0o077) === 0) return
  throw new Error(
    `${path} may be read or changed by others (mode ${formatMode(mode)}), so what it holds is no secret. ` +
      `Run: chmod 600 '${path}', and delete the file if others have had it.`,
  )
}

function explainOwner(uid: number): string {
  return `belongs to another account (user id ${uid}; this process has ${process.getuid?.()}), which`
}

const formatMode = (mode: number): string => (mode & 0o777).toString(8)
