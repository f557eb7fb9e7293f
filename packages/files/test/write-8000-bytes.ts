// Run by write.test.ts under a limit on the size of files: writes too much in two ways, prints the answers.
import { openFilesRoot } from '@mcp-doorman/files'

const [, , directory = ''] = process.argv
const server = openFilesRoot({ directory })
const write = server.tools.find(({ name }) => name === 'write_file')
const { signal } = new AbortController()
for (const [path, if_exists] of [
  ['appended', 'append'],
  ['replaced', 'replace'],
]) {
  // The schema of write_file asks for these and no more.
  const args = { path, content: 'x'.repeat(8000), if_exists } as never
  console.log(JSON.stringify(await write?.call(args, { caller: undefined, signal })))
}
await server.close()
