import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import type { Page } from 'playwright-core'
import { openLab } from '../end-to-end/doorman-process.ts'
import { signIn, startApplication } from './application.ts'
import { keepScreenshot, launchBrowser, measureContrast, openWindow, overhang } from './browser.ts'

const lab = openLab({ after })

const redirectUri = await startApplication(lab)
const resource = 'https://mcp.example/mcp'

const casdoor = await startDevelopmentIssuer({
  like: 'casdoor',
  port: 0,
  resources: [{ resource, scopes: ['files:list', 'files:read', 'files:write'] }],
})
lab.keep(() => casdoor.close())
const browser = await launchBrowser()
lab.keep(() => browser.close())

const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'

function authorizeUrl(change: Readonly<Record<string, string>> = {}): string {
  const url = new URL(`${casdoor.issuer}/login/oauth/authorize`)
  url.search = `${new URLSearchParams({
    response_type: 'code',
    client_id: 'doorman-dev',
    redirect_uri: redirectUri,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    state: 'a-state',
    resource,
    scope: 'files:list files:read',
    ...change,
  })}`
  return url.href
}

async function cameBack(page: Page): Promise<URLSearchParams> {
  await page.waitForURL((url) => url.href.startsWith(redirectUri))
  return new URL(page.url()).searchParams
}

test('a wrong password is said, the right one leads to consent, and consent to a code that is worth tokens', async (t) => {
  const page = await openWindow(browser, t)
  await page.goto(authorizeUrl())
  await signIn(page, 'alice', 'wrong')
  assert.match(await page.getByRole('alert').innerText(), /you have 4 remaining chances/)
  assert.equal(await page.getByLabel('User name').inputValue(), 'alice')
  await signIn(page, 'alice')
  await page.getByText('files:read').waitFor()
  assert.equal(await page.getByText('files:write').count(), 0)
  await page.getByRole('button', { name: 'Allow' }).click()
  const answer = await cameBack(page)
  assert.deepEqual([...answer.keys()], ['code', 'state'], 'no issuer is named')
  assert.equal(answer.get('state'), 'a-state')

  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: 'doorman-dev',
    code: answer.get('code') ?? '',
    code_verifier: verifier,
    resource,
  })
  const tokens = await fetch(`${casdoor.issuer}/api/login/oauth/access_token`, { method: 'POST', body })
  const { scope } = (await tokens.json()) as { scope: string }
  assert.equal(scope, 'files:list files:read')

  // Whoever is signed in goes on without a password, and is asked for what is new alone.
  await page.goto(authorizeUrl({ scope: 'files:list files:write' }))
  await page.getByRole('button', { name: 'Continue as alice' }).click()
  await page.getByText('files:write').waitFor()
  assert.equal(await page.getByText('files:list').count(), 0)
  await page.getByRole('button', { name: 'Deny' }).click()
  assert.equal((await cameBack(page)).get('error'), 'access_denied')

  await page.goto(authorizeUrl())
  await page.getByRole('button', { name: 'Use another account' }).click()
  await page.getByLabel('Password').waitFor()
})

test('a mistake in the request is told on the page, and never sent back', async (t) => {
  const page = await openWindow(browser, t)
  for (const [change, message] of [
    [{ client_id: 'nobody' }, 'Invalid client_id'],
    [{ scope: 'files:delete' }, 'Invalid scope'],
    [
      { redirect_uri: 'https://evil.example/<b>' },
      /^Redirect URI: https:\/\/evil\.example\/<b> doesn't exist/,
    ],
  ] as const) {
    const response = await page.goto(authorizeUrl(change))
    assert.equal(response?.status(), 200)
    const said = await page.getByRole('alert').innerText()
    if (typeof message === 'string') assert.equal(said, message)
    else assert.match(said, message)
  }
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [size, width] of [
    ['narrow', 320],
    ['wide', 1280],
  ] as const) {
    test(`the pages can be read in a ${size} ${colorScheme} window`, async (t) => {
      const page = await openWindow(browser, t, { colorScheme, viewport: { width, height: 700 } })
      const judge = async (name: string): Promise<void> => {
        assert.ok((await overhang(page)) <= 0, `${name} needs no scrolling sideways`)
        const { text, edges } = await measureContrast(page)
        assert.deepEqual(
          [...text.filter(({ ratio }) => ratio < 4.5), ...edges.filter(({ ratio }) => ratio < 3)],
          [],
        )
        await keepScreenshot(page, `casdoor-${name}-${size}-${colorScheme}`)
      }
      await page.goto(authorizeUrl())
      await judge('login')
      await signIn(page, 'bob', 'wrong')
      await page.getByRole('alert').waitFor()
      await judge('wrong-password')
      await signIn(page, 'bob')
      await page.getByRole('button', { name: 'Allow' }).waitFor()
      await judge('consent')
      await page.goto(authorizeUrl({ scope: 'files:delete' }))
      await judge('mistake')
    })
  }
}
