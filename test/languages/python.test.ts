import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { build } from '../clients/login-from-outside.ts'
import { findFreePort, openLab } from '../end-to-end/doorman-process.ts'
import { checkStranger } from '../end-to-end/strangers.ts'
import { notesStranger, scopesOfNotes } from './notes-stranger.ts'

const lab = openLab({ after })
// The clients of the same SDK bring the server along.
const installed = join(import.meta.dirname, '../clients/languages/python')
const python = join(installed, '.venv/bin/python')
const server = join(import.meta.dirname, 'python/notes_server.py')
before(() => build(installed))

test('a server of the Python SDK over stdio, behind the gate', () =>
  checkStranger(lab, {
    ...notesStranger,
    name: 'Python over stdio',
    words: () => [...scopesOfNotes, '--', python, server],
    isProgram: true,
  }))

test('a server of the Python SDK over HTTP, behind the gate', () =>
  checkStranger(lab, {
    ...notesStranger,
    name: 'Python over HTTP',
    words: async () => {
      const port = await findFreePort()
      const running = lab.startProgram([python, server, `${port}`])
      await running.printed(/Uvicorn running/)
      return [...scopesOfNotes, '--http', `http://127.0.0.1:${port}/mcp`]
    },
    isProgram: false,
  }))
