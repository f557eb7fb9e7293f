/** A real browser, and what can be measured of the page that it shows. */
import assert from 'node:assert/strict'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'

const artifacts = fileURLToPath(new URL('../../artifacts/', import.meta.url))

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findOnPath('chromium'),
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** @throws {Error} when the machine has none; the suite is left out there */
function findOnPath(command: string): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
  if (found === undefined)
    throw new Error(`${command} is not on this machine. Install the package ${command}.`)
  return found
}

/** For people to look at; never compared. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(artifacts, { recursive: true })
  await page.screenshot({ path: join(artifacts, `${name}.png`), fullPage: true })
}

/** How far the page is wider than the window, in CSS pixels. */
export function overhang(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')
}

export interface Contrast {
  readonly text: string
  /** As WCAG 2.2 counts it: 1 to 21. */
  readonly ratio: number
}

/** Every piece of text with its contrast to what stands behind it, and every field and button with that of its edge. */
export async function measureContrast(
  page: Page,
): Promise<{ text: readonly Contrast[]; edges: readonly Contrast[] }> {
  return page.evaluate<{ text: Contrast[]; edges: Contrast[] }>(contrastScript)
}

const contrastScript = `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number)
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    return 0.2126 * R + 0.7152 * G + 0.0722 * B
  }
  const ratio = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x)
    return Math.round(((light + 0.05) / (dark + 0.05)) * 100) / 100
  }
  const backgroundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor)
      if (color.length === 3 || color[3] === 1) return color
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255]
  }
  const shown = (element) => element.getClientRects().length > 0
  const withText = [...document.body.querySelectorAll('*')].filter(
    (element) => shown(element) && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''),
  )
  const text = withText.map((element) => ({
    text: element.textContent.trim().slice(0, 60),
    ratio: ratio(parse(getComputedStyle(element).color), backgroundOf(element)),
  }))
  const edges = [...document.querySelectorAll('input:not([type=hidden]), button')]
    .filter((element) => getComputedStyle(element).borderTopWidth !== '0px')
    .map((element) => ({
      text: element.name + ' ' + (element.value || element.textContent),
      ratio: Math.max(
        ratio(parse(getComputedStyle(element).borderTopColor), backgroundOf(element.parentElement)),
        ratio(backgroundOf(element), backgroundOf(element.parentElement)),
      ),
    }))
  return { text, edges }
})()`

/** The element that has the focus, by its accessible text, and whether its outline can be seen. */
export function focused(page: Page): Promise<{ readonly name: string; readonly outlined: boolean }> {
  return page.evaluate<{ name: string; outlined: boolean }>(`(() => {
    const element = document.activeElement
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    const label = element.labels && element.labels[0]
    return {
      name: (label || element).textContent.trim(),
      outlined: element.matches(':focus-visible') && outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
    }
  })()`)
}

/** A window of its own, with nothing remembered. Whatever the browser complains of fails the test. */
export async function openWindow(
  browser: Browser,
  t: TestContext,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  t.after(async () => {
    await context.close()
    // A page that says 403 is reported like a file that failed to load.
    assert.deepEqual(
      complaints.filter((text) => !text.includes('status of 40')),
      [],
    )
  })
  return page
}

/** A window that a page must be readable in. */
export interface Look {
  readonly width: number
  readonly colorScheme: 'light' | 'dark'
}

export const looks: readonly Look[] = [320, 1280].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
)

/**
 * Whether a page fits its window and can be read and used.
 *
 * @returns the contrast of its faintest edge; a page without edges has none fainter than 21
 */
export async function checkLook(page: Page, name: string): Promise<number> {
  assert.ok((await overhang(page)) <= 0, `${name} is wider than the window`)
  const { text, edges } = await measureContrast(page)
  assert.ok(text.length > 1)
  // WCAG 2.2, 1.4.3.
  assert.deepEqual(
    text.filter(({ ratio }) => ratio < 4.5),
    [],
    name,
  )
  for (const button of await page.getByRole('button').all()) {
    if (!(await button.isVisible())) continue
    assert.ok(((await button.boundingBox())?.height ?? 0) >= 24, `${name}: a button is too small to hit`)
  }
  return Math.min(21, ...edges.map(({ ratio }) => ratio))
}
