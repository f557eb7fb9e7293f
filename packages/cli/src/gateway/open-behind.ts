import { openUpstream, type UpstreamEvent } from '@mcp-doorman/gateway'
import { createRelay, isLoopbackName, type Mount, type ServerEnd } from '@mcp-doorman/mcp-endpoint'
import { maxFilesBodyBytes, openFiles } from '../files-service.ts'
import { keepOutside } from '../keep-outside.ts'
import { printable } from '../printable.ts'
import { version } from '../version.ts'
import type { ServerParts } from './server-parts.ts'

/** What stands behind a gate, open. */
export interface OpenBehind {
  readonly endpoint: ServerEnd
  /** How it is mounted, apart from its gate. */
  readonly mounting: Pick<Mount, 'maxBodyBytes' | 'sessions'>
  /** For the operator. */
  readonly status: () => Readonly<Record<string, number>>
  readonly close: () => Promise<void>
}

/** What the whole gateway knows and one server has to heed. */
export interface Surroundings {
  /** Where it listens. */
  readonly host: string
  /** What only the operator may see: no served directory may hold it. */
  readonly private: readonly { readonly path: string; readonly name: string }[]
  /** A line for the operator. */
  readonly say: (line: string) => void
}

/**
 * Opens what stands behind the gate of a server.
 *
 * @throws {Error} that says what to change
 */
export function openBehind({ name, title, behind }: ServerParts, around: Surroundings): OpenBehind {
  if (behind.kind === 'files') return openDirectory(behind, around)
  const say = (line: string): void => around.say(`${name}: ${line}`)
  const upstream = openUpstream({
    ...behind.options,
    onEvent: (event) => {
      const line = describe(event)
      if (line !== undefined) say(line)
    },
  })
  const endpoint = createRelay({
    name,
    title,
    version,
    source: upstream.source,
    onFailure: (error) => say(`failed inside: ${error instanceof Error ? error.message : String(error)}`),
  })
  return {
    endpoint,
    mounting: behind.sessions ? { sessions: {} } : {},
    status: upstream.status,
    close: upstream.close,
  }
}

function openDirectory(
  { options, allowWeakOpener }: ServerParts['behind'] & { readonly kind: 'files' },
  { host, private: outside }: Surroundings,
): OpenBehind {
  for (const { path, name } of outside) keepOutside(options.directory, path, name)
  const { files, endpoint } = openFiles(options)
  if (files.opener === 'realpath' && !isLoopbackName(host) && !allowWeakOpener) {
    void files.close()
    throw new Error(
      `This system has no /proc, so files of ${options.directory} are opened by a weaker way, which a local account that swaps links at the right moment can lead astray. Add "allowWeakOpener: true" if nobody else can write below the directory.`,
    )
  }
  return {
    endpoint,
    mounting: { maxBodyBytes: maxFilesBodyBytes },
    status: () => ({}),
    close: files.close,
  }
}

/** One line for each event; a process that ends because it should is no news. */
function describe(event: UpstreamEvent): string | undefined {
  switch (event.kind) {
    case 'started':
      return `process ${event.pid} started`
    case 'exited': {
      const how = event.signal === null ? `with code ${event.code ?? 0}` : `by ${event.signal}`
      return `process ${event.pid} ended ${how}${event.expected ? '' : ', which nobody asked for'}`
    }
    case 'stderr':
      return `process ${event.pid} says: ${printable(event.text)}`
    case 'failed':
      return `${event.reason}: ${printable(event.detail)}`
  }
}
