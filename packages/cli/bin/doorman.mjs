#!/usr/bin/env node
// Written for the oldest Node that knows modules: it has to be able to say that it is too old.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    'doorman needs Node 22.19 or newer, and this is ' +
      process.versions.node +
      '. Install a newer one from https://nodejs.org.',
  )
  process.exitCode = 1
} else {
  // Node 22 calls its SQLite experimental each time it is loaded. It is what the issuer stores in; users need not know.
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning(warning, ...rest)
  }
  import('../dist/main.js').then(
    ({ main }) => main(process.argv),
    (error) => {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
      console.error(
        'doorman is not built or not installed whole. In a clone, run "npm start" or "npm run build" first. ' +
          error.message,
      )
      process.exitCode = 1
    },
  )
}
