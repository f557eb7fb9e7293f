// Ends a script with a clear line when it runs on a Node that is too old: scripts run with --ignore-scripts, or
// before the first install, do not get the one that the lock file brings.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    'This needs Node 22.19 or newer, and this is ' +
      process.versions.node +
      '. Run "npm ci", which brings one, or install a newer Node.',
  )
  process.exit(1)
}
