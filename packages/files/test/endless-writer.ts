// Run by crash.test.ts: replaces one file for ever, reporting each write, until it is killed.
import { openFilesRoot } from '@mcp-doorman/files'

const [, , directory = '', path = ''] = process.argv
const server = openFilesRoot({ directory })
const write = server.tools.find(({ name }) => name === 'write_file')
const { signal } = new AbortController()
for (let at = 0; ; at++) {
  // The schema of write_file asks for these and no more.
  await write?.call({ path, content: (at % 2 === 0 ? 'b' : 'a').repeat(262_144) } as never, {
    caller: undefined,
    signal,
  })
  process.send?.(at)
}
