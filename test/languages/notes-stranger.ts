import type { Stranger } from '../end-to-end/strangers.ts'

/** What the servers of this folder have in common, in whatever language. */
export const notesStranger: Pick<Stranger, 'tools' | 'call' | 'unnamed'> = {
  tools: ['read_note', 'write_note'],
  call: { tool: 'read_note', args: { name: 'monday' }, says: /water the plants/ },
  unnamed: 'purge',
}

export const scopesOfNotes: readonly string[] = ['--scope', 'read_note=use', '--scope', 'write_note=more']
