import type { Tool } from './tools.ts'

/** What a caller is shown of the tools, as JSON text. */
export interface ToolList {
  /** The text of the array of tools. The same caller always gets the same bytes. */
  readonly json: (shows: (tool: Tool) => boolean) => string
  /** `private` as soon as callers may see different lists (requirement E11). */
  readonly cacheScope: 'public' | 'private'
}

const maxKeptLists = 256

/** Serialises each tool once, and each list once for every set of tools that somebody may see. */
export function createToolList(tools: readonly Tool[], cacheScope: 'public' | 'private'): ToolList {
  const texts = tools.map(describeTool)
  const kept = new Map<string, string>()
  return {
    cacheScope,
    json: (shows) => {
      const visible = tools.map(shows)
      const key = visible.map(Number).join('')
      let text = kept.get(key)
      if (text === undefined) {
        text = `[${texts.filter((_, index) => visible[index]).join(',')}]`
        if (kept.size < maxKeptLists) kept.set(key, text)
      }
      return text
    },
  }
}

function describeTool(tool: Tool): string {
  // Functions have no JSON, so the call itself is left out.
  return JSON.stringify(tool)
}
