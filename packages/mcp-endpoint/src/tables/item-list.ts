import type { Item } from '@mcp-doorman/resource-server'

/** Something that a list shows. */
export interface Listed {
  readonly item: Item
  /** What a client is told of it, as JSON text. */
  readonly text: string
}

/** One page of a list. */
export interface ListPage {
  /** The text of the array. */
  readonly json: string
  /** The name of the last item on it, after which the next page begins; `undefined` on the last page. */
  readonly last: string | undefined
}

/** What callers are shown of a fixed list, in its order. */
export interface ItemList {
  /**
   * @param shows - whether the caller is shown an item; the same answers always give the same bytes
   * @param after - where the page begins: after the item of this name. `undefined` for the first page
   * @returns `undefined` when there is no such item
   */
  readonly page: (shows: (item: Item) => boolean, after: string | undefined) => ListPage | undefined
}

const maxKeptPages = 256

/** Each item is written out once, and each first page once for every set of items that somebody may see. */
export function createItemList(listed: readonly Listed[], pageSize: number): ItemList {
  const kept = new Map<string, ListPage>()
  const places = new Map(listed.map(({ item }, place) => [item.name, place]))

  function cut(visible: readonly boolean[], from: number): ListPage {
    const texts: string[] = []
    let last: string | undefined
    for (let place = from; place < listed.length; place += 1) {
      const entry = listed[place]
      if (entry === undefined || visible[place] !== true) continue
      if (texts.length === pageSize) return { json: `[${texts.join(',')}]`, last }
      texts.push(entry.text)
      last = entry.item.name
    }
    return { json: `[${texts.join(',')}]`, last: undefined }
  }

  return {
    page: (shows, after) => {
      const visible = listed.map(({ item }) => shows(item))
      if (after !== undefined) {
        const place = places.get(after)
        return place === undefined ? undefined : cut(visible, place + 1)
      }
      const key = visible.map(Number).join('')
      let page = kept.get(key)
      if (page === undefined) {
        page = cut(visible, 0)
        if (kept.size < maxKeptPages) kept.set(key, page)
      }
      return page
    },
  }
}
