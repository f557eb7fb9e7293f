import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'

const quietMilliseconds = 100

/**
 * Calls back when a file was perhaps changed, once nothing has happened to it for a tenth of a second.
 *
 * The folder is watched: editors put another file in the place of the one that they change, and a mounted
 * configuration is changed by turning a link (`..data`).
 *
 * @returns what ends the watch
 */
export function watchFile(file: string, onChange: () => void, onFailure: (error: Error) => void): () => void {
  const name = basename(file)
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(dirname(file), { persistent: false }, (_event, changed) => {
    if (changed !== null && changed !== name && changed !== '..data') return
    clearTimeout(timer)
    timer = setTimeout(onChange, quietMilliseconds)
    timer.unref()
  })
  watcher.on('error', onFailure)
  return () => {
    clearTimeout(timer)
    watcher.close()
  }
}
