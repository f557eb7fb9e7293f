import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { build } from '../clients/login-from-outside.ts'
import { findFreePort, openLab } from '../end-to-end/doorman-process.ts'
import { checkStranger } from '../end-to-end/strangers.ts'
import { notesStranger, scopesOfNotes } from './notes-stranger.ts'

const lab = openLab({ after })
const folder = join(import.meta.dirname, 'go')
const server = join(folder, '.build/notes')
before(() => build(folder))

test('a server of the Go SDK over stdio, behind the gate', () =>
  checkStranger(lab, {
    ...notesStranger,
    name: 'Go over stdio',
    words: () => [...scopesOfNotes, '--', server],
    isProgram: true,
  }))

test('a server of the Go SDK over HTTP, behind the gate', () =>
  checkStranger(lab, {
    ...notesStranger,
    name: 'Go over HTTP',
    words: async () => {
      const port = await findFreePort()
      const running = lab.startProgram([server, `${port}`])
      await running.printed(/listening/)
      return [...scopesOfNotes, '--http', `http://127.0.0.1:${port}/mcp`]
    },
    isProgram: false,
  }))
