/** The two ways to have a files server behind tokens, each as processes that listen. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readIssuerSecret } from '@mcp-doorman/development-issuer'
import { findFreePort, type CommandOptions, type DoormanProcess, type Lab } from './doorman-process.ts'

export interface FilesServer {
  readonly process: DoormanProcess
  /** The address of MCP, which is also the resource identifier. */
  readonly url: string
  readonly origin: string
  readonly port: number
  readonly folder: string
}

/** `doorman dev`: a files server and an issuer in one process. */
export interface Dev extends FilesServer {
  readonly issuer: string
  readonly issuerPort: number
  readonly state: string
  token(wish: TokenWish): Promise<string>
}

export interface TokenWish {
  readonly user?: 'alice' | 'bob'
  readonly scope: string
  readonly ttlSeconds?: number
}

/** What an issuer has to know of the files server at this address. */
export function describeResource(port: number): {
  readonly resource: string
  readonly scopes: readonly string[]
} {
  return { resource: `http://127.0.0.1:${port}/mcp`, scopes: allScopes }
}

export interface StartOptions {
  /** Default: a new one with {@link sampleFiles}. */
  readonly folder?: string
  readonly words?: readonly string[]
  readonly command?: CommandOptions
}

export const allScopes = ['files:list', 'files:read', 'files:write'] as const
export const sampleFiles: Readonly<Record<string, string>> = {
  'notes.txt': 'milk and bread\n',
  'plans/summer.md': '# Summer\n',
}

export function makeSampleFolder(lab: Lab): string {
  const folder = lab.makeFolder()
  for (const [name, text] of Object.entries(sampleFiles)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

export interface DevPlace {
  readonly port: number
  readonly issuerPort: number
  readonly state: string
  readonly folder: string
}

export async function chooseDevPlace(lab: Lab, folder = makeSampleFolder(lab)): Promise<DevPlace> {
  const [port, issuerPort] = [await findFreePort(), await findFreePort()]
  return { port, issuerPort, state: join(lab.makeFolder(), 'state'), folder }
}

export async function startDev(lab: Lab, options: StartOptions = {}, place?: DevPlace): Promise<Dev> {
  const { port, issuerPort, state, folder } = place ?? (await chooseDevPlace(lab, options.folder))
  const words = ['dev', '--port', `${port}`, '--issuer-port', `${issuerPort}`, '--state', state]
  const running = lab.start([...words, ...(options.words ?? []), folder], options.command)
  await running.printed(/End with Ctrl\+C/)
  return {
    process: running,
    url: `http://127.0.0.1:${port}/mcp`,
    origin: `http://127.0.0.1:${port}`,
    port,
    folder,
    issuer: `http://127.0.0.1:${issuerPort}`,
    issuerPort,
    state,
    token: async (wish) => mintToken(readIssuerSecret(state), wish),
  }
}

/** `doorman files`, given who its issuers are. */
export async function startFiles(
  lab: Lab,
  options: StartOptions & { readonly words: readonly string[]; readonly port?: number },
): Promise<FilesServer> {
  const { folder = makeSampleFolder(lab), port = await findFreePort() } = options
  const running = lab.start(['files', folder, '--port', `${port}`, ...options.words], options.command)
  await running.printed(/Tokens are taken from/)
  return {
    process: running,
    url: `http://127.0.0.1:${port}/mcp`,
    origin: `http://127.0.0.1:${port}`,
    port,
    folder,
  }
}

/** Asks a development issuer for a token, as `doorman token issue` does, without a process for each. */
export async function mintToken(
  { issuer, secret }: { readonly issuer: string; readonly secret: string },
  { user = 'alice', ...wish }: TokenWish,
): Promise<string> {
  const response = await fetch(`${issuer}/development/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user, ...wish }),
  })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  const answer: unknown = JSON.parse(text)
  assert.ok(typeof answer === 'object' && answer !== null && 'access_token' in answer)
  assert.ok(typeof answer.access_token === 'string')
  return answer.access_token
}
