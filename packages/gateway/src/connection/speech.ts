import type { Description, RelayedRequest } from '@mcp-doorman/mcp-endpoint'
import { legacyVersions, modernVersion } from '@mcp-doorman/resource-server'
import { fieldsOf, isFields, type Fields } from '../rpc-message.ts'

/** How to speak with a server: as was found out when the connection began. */
export interface Speech {
  readonly era: 'modern' | 'legacy'
  /** The revision. */
  readonly version: string
  readonly description: Description
}

const prefix = 'io.modelcontextprotocol/'
/** What a client may be asked for through a gateway. */
const askable = ['elicitation', 'sampling', 'roots'] as const
/** The last one is of before HTTP was streamable, and otherwise the same. */
const acceptedVersions: readonly unknown[] = [...legacyVersions, '2024-11-05']

export function askableOf(capabilities: Fields): Fields {
  return Object.fromEntries(
    askable.flatMap((name) => (isFields(capabilities[name]) ? [[name, capabilities[name]]] : [])),
  )
}

/**
 * The `_meta` of a request to a server: what the client put there for it, and what the server's own revision wants.
 *
 * @param id - marks reports of progress
 */
export function metaFor(
  era: Speech['era'],
  id: string,
  clientInfo: Fields,
  request: RelayedRequest | undefined,
): Fields {
  const given = Object.entries(fieldsOf(request?.message.params['_meta']))
  const own = given.filter(([name]) => !name.startsWith(prefix) && name !== 'progressToken')
  return {
    ...Object.fromEntries(own),
    ...(request?.wantsProgress === true && { progressToken: id }),
    ...(era === 'modern' && {
      [`${prefix}protocolVersion`]: modernVersion,
      [`${prefix}clientInfo`]: clientInfo,
      [`${prefix}clientCapabilities`]: askableOf(request?.capabilities ?? {}),
      ...(request?.logLevel !== undefined && { [`${prefix}logLevel`]: request.logLevel }),
    }),
  }
}

/** The answer to `server/discover`; `undefined` for a server that does not speak 2026-07-28. */
export function readDiscovered(result: Fields): Speech | undefined {
  const versions = result['supportedVersions']
  if (!Array.isArray(versions) || !versions.includes(modernVersion)) return undefined
  return { era: 'modern', version: modernVersion, description: describe(result) }
}

/** The answer to `initialize`; `undefined` for a revision that nobody here speaks. */
export function readInitialized(result: Fields): Speech | undefined {
  const { protocolVersion: version } = result
  if (typeof version !== 'string' || !acceptedVersions.includes(version)) return undefined
  return { era: 'legacy', version, description: describe(result) }
}

const mostInstructions = 65_536

function describe({ capabilities, instructions, ttlMs }: Fields): Description {
  const declared = fieldsOf(capabilities)
  const [tools, resources, prompts] = [declared['tools'], declared['resources'], declared['prompts']]
  return {
    has: {
      tools: isFields(tools),
      resources: isFields(resources),
      prompts: isFields(prompts),
      completions: isFields(declared['completions']),
    },
    announces: {
      tools: fieldsOf(tools)['listChanged'] === true,
      resources: fieldsOf(resources)['listChanged'] === true,
      prompts: fieldsOf(prompts)['listChanged'] === true,
      updates: fieldsOf(resources)['subscribe'] === true,
    },
    logs: isFields(declared['logging']),
    instructions: typeof instructions === 'string' ? instructions.slice(0, mostInstructions) : undefined,
    cache: { ttlMs: lifetimeOf(ttlMs), cacheScope: 'private' },
  }
}

const mostMilliseconds = 86_400_000

/** How long a server lets something be kept, at most a day: what is no time is none. */
export function lifetimeOf(ttlMs: unknown): number {
  return typeof ttlMs === 'number' && ttlMs > 0 ? Math.min(Math.floor(ttlMs), mostMilliseconds) : 0
}

/** A value of a header as MCP writes it: one that cannot stand there as it is, is wrapped. */
export function encodeHeader(value: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !/^=\?base64\?.*\?=$/.test(value)
  return plain ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`
}
