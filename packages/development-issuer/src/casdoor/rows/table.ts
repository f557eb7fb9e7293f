/** What every row has: whose it is, and its name among those. */
export interface Named {
  readonly owner: string
  readonly name: string
}

export function idOf({ owner, name }: Named): string {
  return `${owner}/${name}`
}

/** Rows of one kind, by `owner/name`, in the order in which they came. */
export class Table<Row extends Named> {
  readonly #rows = new Map<string, Row>()

  get(id: string): Row | undefined {
    return this.#rows.get(id)
  }

  /** Changes nothing where there is such a row already. */
  add(row: Row): boolean {
    if (this.#rows.has(idOf(row))) return false
    this.#rows.set(idOf(row), row)
    return true
  }

  /** Puts a row in the place of another, which it may rename. Changes nothing where that name is another row's. */
  replace(id: string, row: Row): boolean {
    const renamed = idOf(row) !== id
    if (!this.#rows.has(id) || (renamed && this.#rows.has(idOf(row)))) return false
    if (renamed) this.#rows.delete(id)
    this.#rows.set(idOf(row), row)
    return true
  }

  remove(id: string): Row | undefined {
    const row = this.#rows.get(id)
    this.#rows.delete(id)
    return row
  }

  all(): readonly Row[] {
    return [...this.#rows.values()]
  }
}
