import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { env } from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { findFreePort, type DoormanProcess, type Lab } from '../../test/end-to-end/doorman-process.ts'
import { callTool, getJson, memberOf, type Json, type WireAnswer } from '../../test/end-to-end/mcp-wire.ts'
import type { Example } from './examples.ts'
import { callsPerMinute, offers, type Offer } from './offers.ts'
import { startSigningIssuer, type IssuerKind, type SigningIssuer } from './trusted-issuers.ts'

/** An example that listens. */
export interface StandingExample {
  readonly example: Example
  readonly offer: Offer
  /** The address of MCP, which is also the resource identifier. */
  readonly url: string
  readonly process: DoormanProcess
  /** Everything that it has printed. */
  output(): string
  call(token: string | undefined, name: string, args?: Json): Promise<WireAnswer>
}

/** With an issuer whose key the check holds. */
export interface Stand {
  readonly place: Place
  readonly issuer: SigningIssuer
  readonly standing: StandingExample
}

/** Where one is about to listen. Its issuer has to know before. */
export interface Place {
  readonly port: number
  readonly url: string
  /** What is served, with a secret beside it. */
  readonly folder: string
}

export const secret = 'The key is under the mat.'

export async function choosePlace(lab: Lab): Promise<Place> {
  const port = await findFreePort()
  const outside = lab.makeFolder()
  const folder = join(outside, 'served')
  mkdirSync(join(folder, 'plans'), { recursive: true })
  mkdirSync(join(outside, 'private'))
  writeFileSync(join(folder, 'notes.txt'), 'milk and bread\n')
  writeFileSync(join(folder, 'plans', 'summer.md'), '# Summer\n')
  writeFileSync(join(outside, 'secret.txt'), secret)
  writeFileSync(join(outside, 'private', 'secret.txt'), secret)
  symlinkSync('../secret.txt', join(folder, 'link-to-secret'))
  symlinkSync(join(outside, 'private'), join(folder, 'link-to-folder'))
  symlinkSync('../new.txt', join(folder, 'link-to-nothing'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  return { port, url: `http://127.0.0.1:${port}/mcp`, folder }
}

/** Starts an example that trusts an issuer whose key the check holds. */
export async function openStand(lab: Lab, example: Example, kind: IssuerKind): Promise<Stand> {
  const place = await choosePlace(lab)
  const issuer = await startSigningIssuer(lab, kind, place.url)
  return { place, issuer, standing: await startExample(lab, example, place, issuer.env) }
}

/** Starts an example and waits until it listens. */
export async function startExample(
  lab: Lab,
  example: Example,
  { port, url, folder }: Place,
  trust: Readonly<Record<string, string>>,
): Promise<StandingExample> {
  const process = lab.startProgram(example.run, {
    cwd: join(import.meta.dirname, '..', example.name),
    env: {
      ...toolChainPlaces(),
      ...trust,
      PORT: `${port}`,
      MCP_SERVER_URL: url,
      FILES_ROOT: folder,
      TMPDIR: lab.makeFolder(),
      CALLS_PER_MINUTE: `${callsPerMinute}`,
    },
  })
  await listening(process, port)
  await requireItself(url, trust)
  const form = example.hasSessions === true ? '2026-07-28' : '2025-11-25'
  return {
    example,
    offer: offers[example.serves],
    url,
    process,
    output: () => process.stdout() + process.stderr(),
    call: (token, name, args = {}) => callTool(url, token, { name, arguments: args }, form),
  }
}

/** Where compilers and package managers keep things, if not below HOME: `run` may look whether all is built. */
function toolChainPlaces(): Readonly<Record<string, string>> {
  const names = ['CARGO_HOME', 'RUSTUP_HOME', 'GOPATH', 'GOCACHE', 'GOMODCACHE', 'JAVA_HOME', 'MAVEN_OPTS']
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** On a busy machine another program may have come to the port first. */
async function requireItself(url: string, trust: Readonly<Record<string, string>>): Promise<void> {
  const { origin, pathname } = new URL(url)
  const metadata = await getJson(`${origin}/.well-known/oauth-protected-resource${pathname}`)
  const issuer = trust['ISSUER'] ?? trust['CASDOOR_URL'] ?? ''
  const named = memberOf(metadata.body, 'authorization_servers', '0')
  assert.equal(named, issuer, `${url} is not the example, or names another issuer than it was told`)
}

/** Examples need not say that they listen, so they are asked again and again; for a minute, and as long as they run. */
async function listening(process: DoormanProcess, port: number): Promise<void> {
  const ended = process.ended.then(() => true)
  for (let tries = 0; tries < 1200; tries += 1) {
    if (await accepts(port)) return
    if (await Promise.race([ended, setTimeout(50, false)])) break
  }
  throw new Error(`The example does not listen.\n${process.stdout()}${process.stderr()}`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.end(() => resolve(true)))
    socket.once('error', () => resolve(false))
  })
}
