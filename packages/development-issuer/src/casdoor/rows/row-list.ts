/**
 * A list of a row: `null` as long as nobody said anything of it, which Casdoor tells from an empty one. Empty rows name
 * what theirs will hold (`null as List<…>`).
 */
export type List<Item> = readonly Item[] | null
