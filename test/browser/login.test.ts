import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Page } from 'playwright-core'
import { openLab } from '../end-to-end/doorman-process.ts'
import { post } from '../end-to-end/mcp-wire.ts'
import { allScopes, startDev } from '../end-to-end/protected-servers.ts'
import { signIn, startApplication } from './application.ts'
import { checkLook, focused, keepScreenshot, launchBrowser, looks, openWindow } from './browser.ts'

const lab = openLab({ after })
const users = join(lab.makeFolder(), 'users.yaml')
writeFileSync(
  users,
  `users:
  - { name: alice, password: alice }
  - { name: bob, password: bob }
  - { name: carol, password: carol, mayConsentTo: [files:list] }
  - { name: dave, password: dave, mayConsentTo: [] }
`,
)
const dev = await startDev(lab, { words: ['--users', users] })
const browser = await launchBrowser()
lab.keep(() => browser.close())

const redirectUri = await startApplication(lab)

async function register(name: string): Promise<string> {
  const metadata = { client_name: name, redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }
  const { body } = await post(`${dev.issuer}/register`, undefined, metadata)
  return String(body['client_id'])
}

const clientId = await register('Reading Assistant')

function authorizeUrl(client = clientId, scope: string = allScopes.join(' ')): string {
  const url = new URL(`${dev.issuer}/authorize`)
  url.search = `${new URLSearchParams({
    response_type: 'code',
    client_id: client,
    redirect_uri: redirectUri,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    state: 'a-state',
    resource: dev.url,
    scope,
  })}`
  return url.href
}

async function cameBack(page: Page): Promise<URLSearchParams> {
  await page.waitForURL((url) => url.href.startsWith(redirectUri))
  const { searchParams } = new URL(page.url())
  assert.equal(searchParams.get('state'), 'a-state')
  assert.equal(searchParams.get('iss'), dev.issuer)
  return searchParams
}

test('CA8: a wrong password is said, the right one leads to consent, and consent back to the application', async (t) => {
  const page = await openWindow(browser, t)
  await page.goto(authorizeUrl())
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await signIn(page, 'alice', 'wrong')
  assert.match(await page.getByRole('alert').innerText(), /The name or the password is wrong/)
  assert.equal(await page.getByLabel('User name').inputValue(), 'alice')
  assert.equal(await page.getByLabel('Password').inputValue(), '')

  await signIn(page, 'alice')
  await page.getByRole('heading', { name: 'Allow Reading Assistant?' }).waitFor()
  const text = await page.getByRole('main').innerText()
  for (const shown of ['alice', 'Nobody has checked it', new URL(redirectUri).host, dev.url, ...allScopes]) {
    assert.ok(text.includes(shown), `${shown} is not in: ${text}`)
  }
  await page.getByRole('button', { name: 'Allow' }).click()
  assert.ok((await cameBack(page)).has('code'))
})

test('everything can be done with the keyboard, and what has the focus can be seen', async (t) => {
  const page = await openWindow(browser, t)
  await page.goto(authorizeUrl())
  assert.deepEqual(await focused(page), { name: 'User name', outlined: true })
  await page.keyboard.type('bob')
  await page.keyboard.press('Tab')
  assert.deepEqual(await focused(page), { name: 'Password', outlined: true })
  await page.keyboard.type('bob')
  await page.keyboard.press('Enter')

  await page.getByRole('heading', { name: 'Allow Reading Assistant?' }).waitFor()
  for (const name of ['Allow', 'Deny', 'Use another account']) {
    await page.keyboard.press('Tab')
    assert.deepEqual(await focused(page), { name, outlined: true })
  }
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Enter')
  assert.ok((await cameBack(page)).has('code'))
})

for (const [place, button] of [
  ['the login', 'Cancel'],
  ['consent', 'Deny'],
] as const) {
  test(`${button} at ${place} goes back with access_denied and without a code`, async (t) => {
    const page = await openWindow(browser, t)
    await page.goto(authorizeUrl())
    if (place === 'consent') await signIn(page, 'alice')
    await page.getByRole('button', { name: button }).click()
    const back = await cameBack(page)
    assert.equal(back.get('error'), 'access_denied')
    assert.equal(back.get('code'), null)
  })
}

test('a person who is signed in is asked for consent again, and can change the account there', async (t) => {
  const page = await openWindow(browser, t)
  await page.goto(authorizeUrl())
  await signIn(page, 'alice')
  await page.getByRole('button', { name: 'Allow' }).click()
  await cameBack(page)

  await page.goto(authorizeUrl(clientId, 'files:list'))
  await page.getByText('You are signed in as alice.').waitFor()
  assert.ok(!(await page.getByRole('main').innerText()).includes('files:write'))
  await page.getByRole('button', { name: 'Use another account' }).click()
  await signIn(page, 'bob')
  await page.getByText('You are signed in as bob.').waitFor()
})

test('a person allows what they may, is told what they may not, and is asked nothing where that is all', async (t) => {
  const page = await openWindow(browser, t)
  await page.goto(authorizeUrl())
  await signIn(page, 'carol')
  await page.getByText('which your account may not allow').waitFor()
  await page.getByRole('button', { name: 'Allow' }).click()
  assert.ok((await cameBack(page)).has('code'))

  await page.goto(authorizeUrl())
  await page.getByRole('button', { name: 'Use another account' }).click()
  await signIn(page, 'dave')
  await page.getByText('You are signed in as dave.').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Allow' }).count(), 0)
  await page.getByRole('button', { name: 'Deny' }).click()
  assert.equal((await cameBack(page)).get('error'), 'access_denied')
})

test('going back to an answered page shows what to do, not an error of the browser', async (t) => {
  const page = await openWindow(browser, t)
  await page.goto(authorizeUrl())
  const login = page.url()
  await signIn(page, 'alice')
  await page.getByRole('button', { name: 'Deny' }).click()
  await cameBack(page)
  await page.goto(login)
  assert.match(await page.getByRole('main').innerText(), /connect again/)
})

const longName = `Assistant${'ForVeryLongNames'.repeat(5)}`
const longClientId = await register(longName)

for (const { width, colorScheme } of looks) {
  test(`every page fits ${width} pixels and can be read in ${colorScheme} colours`, async (t) => {
    const page = await openWindow(browser, t, { viewport: { width, height: 720 }, colorScheme })
    let faintestEdge = 21
    const look = async (name: string): Promise<void> => {
      await keepScreenshot(page, `${name}-${width}-${colorScheme}`)
      faintestEdge = Math.min(faintestEdge, await checkLook(page, name))
    }
    await page.goto(authorizeUrl())
    await look('login')
    await signIn(page, 'alice', 'wrong')
    await look('login-wrong')
    await signIn(page, 'alice')
    await look('consent')
    await page.goto(authorizeUrl(longClientId))
    await page.getByRole('heading', { name: longName }).waitFor()
    await look('consent-long')
    await page.getByRole('button', { name: 'Use another account' }).click()
    await signIn(page, 'carol')
    await page.getByText('You are signed in as carol.').waitFor()
    await look('consent-limited')
    await page.goto(authorizeUrl('nobody'))
    await look('error')
    // WCAG 2.2, 1.4.11.
    assert.ok(faintestEdge >= 3, `an edge of a field or button has a contrast of ${faintestEdge}`)
  })
}
