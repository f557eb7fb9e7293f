import { fileURLToPath } from 'node:url'
import type { Connection, Host, Place } from './connection.ts'
import { connectSdk1 } from './sdk-1.ts'
import { connectSdk2 } from './sdk-2.ts'

/** A client with an era and a transport. */
export interface ClientKind {
  readonly name: string
  readonly era: 'legacy' | 'modern'
  readonly transport: 'http' | 'stdio'
  connect(place: Place, host?: Host): Promise<Connection>
}

const program = fileURLToPath(new URL('../conformance/fixture/stdio.ts', import.meta.url))

/** The fixture as a program that a client starts. */
export const stdioPlace: Place = { command: process.execPath, args: [program] }

export const clientKinds: readonly ClientKind[] = (['http', 'stdio'] as const).flatMap((transport) => {
  const over = transport === 'http' ? 'HTTP' : 'stdio'
  return [
    {
      name: `SDK 1.32 over ${over}`,
      era: 'legacy',
      transport,
      connect: (place, host = {}) => connectSdk1(place, host),
    },
    {
      name: `SDK 2.4 legacy over ${over}`,
      era: 'legacy',
      transport,
      connect: (place, host = {}) => connectSdk2('legacy', place, host),
    },
    {
      name: `SDK 2.4 modern over ${over}`,
      era: 'modern',
      transport,
      // Over stdio it would start a second process to find the revision; one test does that.
      connect: (place, host = {}) =>
        connectSdk2(transport === 'http' ? 'auto' : { pin: '2026-07-28' }, place, host),
    },
  ] satisfies readonly ClientKind[]
})
