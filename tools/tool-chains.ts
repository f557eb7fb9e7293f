import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A command that must be on the machine. */
export interface ToolChain {
  readonly command: string
  /** The package of Debian that brings it. */
  readonly package: string
}

export function isOnPath({ command }: ToolChain): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
