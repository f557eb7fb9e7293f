const itemName = /^[A-Za-z0-9_.-]{1,128}$/

/** Whether tools and prompts can be called so. */
export function isItemName(name: string): boolean {
  return itemName.test(name)
}

export const itemNameRule = '1 to 128 letters, digits, "_", "-" or "."'
