// Completes package-lock.json after `npm install`: npm leaves out a platform's package when the registry in use does
// not offer it, and `npm ci` then refuses the lock file as incomplete. What such a package is for stands in its name.
import { readFileSync, writeFileSync } from 'node:fs'

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/** Adds what is missing to a parsed lock file, and names what it added. */
export function completeLock(lock) {
  const added = []
  for (const [parent, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`
      if (lock.packages[path] !== undefined || lock.packages[`${parent}/${path}`] !== undefined) continue
      const words = name.split(/[/-]/)
      const os = systems.filter((system) => words.includes(system))
      const cpu = processors.filter((processor) => words.includes(processor))
      if (os.length !== 1 || cpu.length !== 1) throw new Error(`${name} is no package of one platform`)
      lock.packages[path] = { version, cpu, ...(entry.dev === true && { dev: true }), optional: true, os }
      added.push(name)
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
  return added
}

if (process.argv[1] !== undefined && import.meta.url.endsWith('/tools/complete-lock.mjs')) {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const added = completeLock(lock)
  if (added.length > 0) writeFileSync('package-lock.json', `${JSON.stringify(lock, undefined, 2)}\n`)
  console.log(
    added.length === 0 ? 'The lock file is complete.' : `Added to the lock file: ${added.join(', ')}.`,
  )
}
