import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findFreePort, openLab } from './doorman-process.ts'
import { checkStranger, type Stranger } from './strangers.ts'

const lab = openLab({ after })
const { resolve } = createRequire(import.meta.url)
const everything = resolve('@modelcontextprotocol/server-everything/dist/index.js')
const filesystem = resolve('@modelcontextprotocol/server-filesystem/dist/index.js')

const notes = lab.makeFolder()
writeFileSync(join(notes, 'monday.txt'), 'water the plants\n')

const ofEverything = {
  tools: ['echo', 'get-sum', 'get-tiny-image'],
  call: { tool: 'get-sum', args: { a: 2, b: 3 }, says: /is 5/ },
  unnamed: 'get-env',
}
const scopesOfEverything = ['--scope', 'echo=use', '--scope', 'get-sum=use', '--scope', 'get-tiny-image=more']

const strangers: readonly Stranger[] = [
  {
    ...ofEverything,
    name: 'server-everything over stdio',
    words: () => [...scopesOfEverything, '--', process.execPath, everything],
    isProgram: true,
  },
  {
    ...ofEverything,
    name: 'server-everything over HTTP',
    words: async () => {
      const port = await findFreePort()
      const server = lab.startProgram([process.execPath, everything, 'streamableHttp'], {
        env: { PORT: `${port}` },
      })
      await server.printed(/listening on port/i)
      return [...scopesOfEverything, '--http', `http://127.0.0.1:${port}/mcp`]
    },
    isProgram: false,
  },
  {
    // It asks for the roots of its client as soon as one has come, also in the middle of a list.
    name: 'server-filesystem',
    words: () => [
      '--scope',
      'read_*=use',
      '--scope',
      'write_file=more',
      '--',
      process.execPath,
      filesystem,
      notes,
    ],
    tools: ['read_file', 'read_text_file', 'read_media_file', 'read_multiple_files', 'write_file'],
    call: { tool: 'read_text_file', args: { path: join(notes, 'monday.txt') }, says: /water the plants/ },
    unnamed: 'move_file',
    isProgram: true,
  },
]

for (const stranger of strangers) {
  test(`${stranger.name}: every client logs in, sees what is named and calls it, and no process is left behind`, () =>
    checkStranger(lab, stranger))
}
