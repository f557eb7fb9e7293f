import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import type { Lab } from '../end-to-end/doorman-process.ts'

/** Starts the application that is logged in to: it shows what came back. Gives its redirect URI. */
export async function startApplication(lab: Lab): Promise<string> {
  const application = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('back at the application')
  })
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve))
  lab.keep(() => {
    application.closeAllConnections()
    application.close()
  })
  // It listens on a TCP port.
  return `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`
}

/** Fills the login page in, and sends it. */
export async function signIn(page: Page, user: string, password: string = user): Promise<void> {
  await page.getByLabel('User name').fill(user)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
