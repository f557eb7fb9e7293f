// Run by special-files.test.ts as a user whom modes bind: reads three files and prints the answers.
import { openFilesRoot } from '@mcp-doorman/files'

const [, , directory = ''] = process.argv
const server = openFilesRoot({ directory, readOnly: true })
const read = server.tools.find(({ name }) => name === 'read_file')
for (const path of ['plain.txt', 'shut.txt', 'shut/x.txt']) {
  // The schema of read_file asks for a path and no more.
  const answer = await read?.call({ path } as never, {
    caller: undefined,
    signal: new AbortController().signal,
  })
  console.log(JSON.stringify(answer))
}
await server.close()
