// Runs before `npm start` and `npm test`, on whatever Node the machine has: installs what the lock file says when
// node_modules is not that yet. The lock file also brings the Node that everything else then runs on.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const stamp = 'node_modules/.installed-from'
const wanted = createHash('sha256')
  .update(readFileSync('package-lock.json'))
  .update(process.platform + process.arch)
  .digest('hex')
const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined

if (installed !== wanted) {
  console.error('Installing dependencies (npm ci)…')
  // --include=dev: NODE_ENV=production would leave out the compiler.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status } = spawnSync(npm, ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error('npm ci failed; its reason stands above. Mend it and run the command again.')
    process.exit(status === null ? 1 : status)
  }
  writeFileSync(stamp, wanted)
}
