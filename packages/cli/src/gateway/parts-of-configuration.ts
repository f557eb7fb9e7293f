import { createHash } from 'node:crypto'
import type { UpstreamLimits } from '@mcp-doorman/gateway'
import type { CommandBehind, Configuration, ServerConfiguration, UrlBehind } from '../config/configuration.ts'
import { present } from '../config/present.ts'
import { resourceServerOptions } from '../config/resource-server-options.ts'
import { isReference, type Secrets } from '../config/secrets.ts'
import type { BehindParts, ServerParts } from './server-parts.ts'

/** The servers of a configuration, with the secrets that it names. */
export function partsOfConfiguration(
  configuration: Configuration,
  { find }: Pick<Secrets, 'find'>,
): readonly ServerParts[] {
  const { issuers, limit, clockToleranceSeconds, dpop } = configuration
  return configuration.servers.map((server) => {
    const { name, title, behind, resource, scopes, challenge, rules, plainForm } = server
    const used: string[] = []
    const noticed = (reference: string): string => {
      const secret = find(reference)
      used.push(secret)
      return secret
    }
    const access = resourceServerOptions(configuration, server, unused, noticed)
    const accessSecrets = used.splice(0)
    const parts = behindParts(behind, noticed)
    return {
      name,
      title,
      access,
      accessKey: keyOf([
        { issuers, limit, clockToleranceSeconds, dpop, title, resource, scopes, challenge, rules },
        accessSecrets,
      ]),
      behind: parts,
      behindKey: keyOf([{ name, title, behind }, used]),
      plainForm,
    }
  })
}

/** The service has one for all servers. */
const unused = { write: () => undefined, available: () => false, close: () => Promise.resolve() }

/** A hash, since what it is of holds secrets. */
function keyOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url')
}

function behindParts(
  behind: ServerConfiguration['behind'],
  find: (reference: string) => string,
): BehindParts {
  if (behind.kind === 'files') {
    const { files, perUser = false, readOnly = false, deny = [], quota, quotaFiles, skeleton } = behind
    const options = { directory: files, perUser, readOnly, deny, ...present({ quota, quotaFiles, skeleton }) }
    return { kind: 'files', options, allowWeakOpener: behind.allowWeakOpener ?? false }
  }
  const { sessions = true } = behind
  const resolved = (values: Readonly<Record<string, string>> = {}): Record<string, string> =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, isReference(value) ? find(value) : value]),
    )
  if (behind.kind === 'command') {
    const { command, environment, workingDirectory } = behind
    const options = { command, environment: resolved(environment), ...present({ workingDirectory }) }
    return { kind: 'upstream', options: { ...options, ...limitsOf(behind) }, sessions }
  }
  const { url, bearer, headers, allowPlainHttp } = behind
  const own = bearer === undefined ? {} : { authorization: `Bearer ${find(bearer)}` }
  return {
    kind: 'upstream',
    options: {
      url,
      headers: { ...resolved(headers), ...own },
      ...present({ allowPlainHttp }),
      ...limitsOf(behind),
    },
    sessions,
  }
}

function limitsOf({ shared, limits = {} }: CommandBehind | UrlBehind): UpstreamLimits {
  return present({
    shared,
    callTimeoutSeconds: limits.callTimeout,
    startTimeoutSeconds: limits.startTimeout,
    idleSeconds: limits.idle,
    inputTimeoutSeconds: limits.inputTimeout,
    maxMessageBytes: limits.maxMessage,
    maxConnections: limits.maxConnections,
    maxRequestsPerConnection: limits.maxRequestsPerConnection,
    maxWaitingCalls: limits.maxWaitingCalls,
  })
}
