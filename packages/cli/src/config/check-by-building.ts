import {
  createResourceServer,
  type IssuerOptions,
  type ResourceServer,
  type ResourceServerOptions,
} from '@mcp-doorman/resource-server'
import type { Configuration, IssuerConfiguration, ServerConfiguration } from './configuration.ts'
import type { Path, Problem } from './problems.ts'
import { issuerOptions, resourceServerOptions, ruleOptions, scopeOptions } from './resource-server-options.ts'

// The resource server checks what it is built from, and its checks are the ones that count. So they are asked here
// too, one part at a time, and what they say is told of the field of the file that it comes from.

/** Keeps no records: nothing is decided here. */
const noAudit = { write: () => undefined, available: () => true, close: () => Promise.resolve() }
/** Stands for every secret: which it is, is only known where the server runs. */
const anySecret = (): string => 'a secret of more than thirty-two characters'
const anyResource = 'https://resource.invalid/mcp'
const anyIssuer = { issuer: 'https://issuer.invalid' }

/**
 * What is wrong with the issuers and with what holds for all servers.
 *
 * @param differ - whether none is named twice, which has been told
 */
export function checkIssuers(configuration: Configuration, differ: boolean): readonly Problem[] {
  const bare = { resource: anyResource, scopes: {}, rules: [], audit: noAudit }
  const issuers = configuration.issuers.map(buildable)
  const alone = issuers.flatMap((issuer, index) => [
    ...checkProof(configuration.issuers[index]?.introspection, ['issuers', index]),
    ...tryToBuild({ ...bare, issuers: [issuer] }, ['issuers', index]),
  ])
  const together =
    differ && alone.length === 0 && issuers.length > 0
      ? tryToBuild({ ...bare, issuers: [...issuers] }, [])
      : []
  const { dpop, clockToleranceSeconds } = optionsOf({ ...configuration, issuers: [] })
  const common = { ...bare, issuers: [anyIssuer], ...(dpop !== undefined && { dpop }) }
  return [
    ...alone,
    ...together,
    ...tryToBuild({ ...common, ...(clockToleranceSeconds !== undefined && { clockToleranceSeconds }) }, []),
  ]
}

/** An issuer with a secret in the place of whatever proves who we are: a key that is not there cannot be judged. */
function buildable(issuer: IssuerConfiguration): IssuerOptions {
  const proof = { privateKey: undefined, algorithm: undefined, clientSecret: 'env:EITHER' }
  const introspection = issuer.introspection && { ...issuer.introspection, ...proof }
  return issuerOptions({ ...issuer, introspection }, anySecret)
}

function checkProof(introspection: IssuerConfiguration['introspection'], path: Path): readonly Problem[] {
  const { clientSecret, privateKey } = introspection ?? {}
  if (introspection === undefined || (clientSecret === undefined) !== (privateKey === undefined)) return []
  const message =
    clientSecret === undefined
      ? 'does not say how we prove who we are. Give it clientSecret or privateKey.'
      : 'needs clientSecret or privateKey, and not both. Remove one.'
  return [{ path: [...path, 'introspection'], message, at: 'key' }]
}

function optionsOf(configuration: Configuration): ResourceServerOptions {
  const nothing: ServerConfiguration = {
    name: '',
    title: '',
    resource: anyResource,
    path: '/mcp',
    plainForm: true,
    scopes: {},
    challenge: [],
    rules: [],
    expect: [],
    behind: { kind: 'files', files: '/' },
  }
  return resourceServerOptions(configuration, nothing, noAudit, anySecret)
}

type Access = Pick<ServerConfiguration, 'scopes' | 'challenge' | 'rules'>

/** What is wrong with the access to one server: its scopes and rules. */
export function checkAccess(server: ServerConfiguration): readonly Problem[] {
  return tryToBuild(accessOptions(server), ['servers', server.name])
}

/**
 * A resource server that only explains: it knows the rules of one server, and what claims of the issuers mean.
 *
 * @throws {TypeError} when {@link checkAccess} has something to say
 */
export function createExplaining(
  server: Access,
  issuers: readonly IssuerConfiguration[] = [],
): ResourceServer {
  const trusted = issuers.length === 0 ? {} : { issuers: issuers.map(buildable) }
  return createResourceServer({ ...accessOptions(server), ...trusted })
}

function accessOptions(server: Access): ResourceServerOptions {
  return {
    resource: anyResource,
    issuers: [anyIssuer],
    scopes: scopeOptions(server),
    challengeScopes: server.challenge,
    rules: server.rules.map(ruleOptions),
    audit: noAudit,
  }
}

function tryToBuild(options: ResourceServerOptions, place: Path): readonly Problem[] {
  try {
    void createResourceServer(options).close()
    return []
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const [, ...lines] = error.message.split('\n- ')
    return lines.map((line) => problemOf(line, place))
  }
}

/** `rules[0].require.anyRole: is empty…` is a problem at that path of the server. */
function problemOf(line: string, place: Path): Problem {
  const own = line.replace(/^(?:issuer|casdoor) \S+: (?=.)/, '')
  const found = /^((?:[A-Za-z]+|\[\d+\]|\["[^"]*"\]|\.)+)(?:: | (?=has no effect|is empty))/.exec(own)
  if (found === null) return { path: place, message: renamed(own) }
  const [prefix, path = ''] = found
  const steps = [...path.matchAll(/([A-Za-z]+)|\[(\d+)\]|\["([^"]*)"\]/g)].map(([, name, index, quoted]) =>
    index === undefined ? (quoted ?? renamed(name ?? '')) : Number(index),
  )
  return { path: [...place, ...steps], message: renamed(own.slice(prefix.length)) }
}

/** What the options of a resource server are called in the file. */
const names: Readonly<Record<string, string>> = {
  challengeScopes: 'challenge',
  callerLimit: 'limit',
  clockToleranceSeconds: 'clockTolerance',
  keepRemovedKeysSeconds: 'keepRemovedKeys',
  cacheSeconds: 'cache',
  maxAgeSeconds: 'maxAge',
}

function renamed(text: string): string {
  return text.replace(/\b[a-zA-Z]+\b/g, (word) => (Object.hasOwn(names, word) ? (names[word] ?? word) : word))
}
