import { createRequire } from 'node:module'

// The one place the version is written is package.json.
const manifest: unknown = createRequire(import.meta.url)('../package.json')

/** The version of this command and of all packages with it. */
export const version: string =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
