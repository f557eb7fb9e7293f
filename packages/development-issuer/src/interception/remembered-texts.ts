/** Texts that were seen, up to so many; then all are forgotten. An issuer of a test sees fewer. */
export interface RememberedTexts {
  add(text: string): void
  has(text: string): boolean
}

const most = 10_000

export function rememberTexts(): RememberedTexts {
  const texts = new Set<string>()
  return {
    add(text) {
      if (texts.size >= most) texts.clear()
      texts.add(text)
    },
    has: (text) => texts.has(text),
  }
}
