import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const files: Readonly<Record<string, string>> = {
  'welcome.md':
    '# Welcome\n\nThis folder was made to try things out. An agent may list and read it, and write to it once you allow that.\n',
  'shopping.txt': 'apples\nbread\ncheese\n',
  'notes/monday.md': '# Monday\n\n- water the plants\n- call the bank\n',
}

/** Makes a folder with a few files inside the state folder, unless it is there already. Gives its path. */
export function makeSampleFolder(state: string): string {
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const folder = join(state, 'sample-files')
  if (existsSync(folder)) return folder
  mkdirSync(join(folder, 'notes'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}
