/** The page that switches faults, and one fault that only a browser shows. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import type { Page } from 'playwright-core'
import { openLab } from '../end-to-end/doorman-process.ts'
import { signIn, startApplication } from './application.ts'
import { checkLook, focused, keepScreenshot, launchBrowser, looks, openWindow } from './browser.ts'

const lab = openLab({ after })
const resource = 'http://127.0.0.1:8080/mcp'
const issuer = await startDevelopmentIssuer({ port: 0, resources: [{ resource, scopes: ['files:read'] }] })
lab.keep(() => issuer.close())
const browser = await launchBrowser()
lab.keep(() => browser.close())

const faultsUrl = `${issuer.issuer}/faults`

function isOn(name: string): boolean {
  return issuer.faults.list().some((fault) => fault.name === name && fault.on !== undefined)
}

test('a fault is switched on with its parameters, shown, and off again', async (t) => {
  const page = await openWindow(browser, t)
  await page.goto(faultsUrl)
  await page.getByText('Nothing is on: the issuer behaves.').waitFor()
  await page.locator('summary', { hasText: 'token-audience' }).click()
  assert.match(await page.locator('details[open]').innerText(), /CF1: .*slash[^]*CF23: /)
  await page.locator('details[open]').getByLabel(/^is/).selectOption('slash')
  await page.getByRole('button', { name: 'Switch token-audience on' }).click()
  await page.getByText('is=slash').waitFor()
  assert.ok(isOn('token-audience'))
  assert.equal(page.url(), faultsUrl, 'a reload does not switch again')

  await page.getByRole('button', { name: 'Switch token-audience off' }).click()
  await page.getByText('Nothing is on: the issuer behaves.').waitFor()
  assert.ok(!isOn('token-audience'))
})

test('a value that cannot be used is said, and nothing is switched', async (t) => {
  const page = await openWindow(browser, t)
  await page.goto(faultsUrl)
  await page.locator('summary', { hasText: /^slow/ }).click()
  await page
    .locator('details[open]')
    .getByLabel(/^seconds/)
    .fill('soon')
  await page.getByRole('button', { name: 'Switch slow on' }).click()
  assert.match(await page.getByRole('alert').innerText(), /seconds: must be a number from 0.01 to 600/)
  assert.ok(!isOn('slow'))
})

test('everything on the page can be done with the keyboard', async (t) => {
  t.after(() => issuer.faults.clear())
  await issuer.faults.enable('iss')
  const page = await openWindow(browser, t)
  await page.goto(faultsUrl)
  await page.keyboard.press('Tab')
  assert.deepEqual(await focused(page), { name: 'Off', outlined: true })
  await page.keyboard.press('Tab')
  assert.deepEqual(await focused(page), { name: 'Switch everything off', outlined: true })
  await page.keyboard.press('Tab')
  assert.match((await focused(page)).name, /^slow: takes its time/)
  await page.keyboard.press('Enter')
  for (const name of [/^at/, /^seconds/, /^On$/]) {
    await page.keyboard.press('Tab')
    assert.match((await focused(page)).name, name)
  }
  await page.keyboard.press('Enter')
  await page.getByText('seconds=5').waitFor()
  assert.ok(isOn('slow'))
})

for (const { width, colorScheme } of looks) {
  test(`the page of faults fits ${width} pixels and can be read in ${colorScheme} colours`, async (t) => {
    t.after(() => issuer.faults.clear())
    await issuer.faults.enable('slow', { at: ['discovery', 'jwks', 'token', 'registration'], seconds: 3 })
    await issuer.faults.enable('iss')
    const page = await openWindow(browser, t, { viewport: { width, height: 720 }, colorScheme })
    await page.goto(faultsUrl)
    for (const name of [/^random/, /^token-audience/, /^keys-rotated/]) {
      await page.locator('summary', { hasText: name }).click()
    }
    await keepScreenshot(page, `faults-${width}-${colorScheme}`)
    // WCAG 2.2, 1.4.11.
    assert.ok((await checkLook(page, 'faults')) >= 3)
  })
}

const redirectUri = await startApplication(lab)

async function walkToConsent(page: Page): Promise<void> {
  const url = new URL(`${issuer.issuer}/authorize`)
  url.search = `${new URLSearchParams({
    response_type: 'code',
    client_id: 'doorman-dev',
    redirect_uri: redirectUri,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    resource,
  })}`
  await page.goto(url.href)
  await signIn(page, 'alice')
  await page.getByRole('heading', { name: /^Allow/ }).waitFor()
}

test('CF32: with form-action in its policy, the button of the consent page does nothing; without, it leads back', async (t) => {
  t.after(() => issuer.faults.clear())
  const context = await browser.newContext()
  t.after(() => context.close())
  const page = await context.newPage()
  await issuer.faults.enable('form-action')
  await walkToConsent(page)
  const complaint = page.waitForEvent('console', (message) => message.text().includes('form-action'))
  await page.getByRole('button', { name: 'Allow' }).click()
  assert.match((await complaint).text(), /violates the following Content Security Policy directive/)
  assert.ok(!page.url().startsWith(redirectUri))

  issuer.faults.clear()
  const well = await openWindow(browser, t)
  await walkToConsent(well)
  await well.getByRole('button', { name: 'Allow' }).click()
  await well.waitForURL((url) => url.href.startsWith(redirectUri))
})
