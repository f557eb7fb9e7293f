import assert from 'node:assert/strict'
import { dirname, posix } from 'node:path'
import { test } from 'node:test'
import { readSources, type SourceFile } from './sources.ts'

/** Which packages a package may import. What is not here is not allowed. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  outbound: [],
  'resource-server': ['outbound'],
  'mcp-endpoint': ['resource-server'],
  files: ['mcp-endpoint'],
  gateway: ['outbound', 'resource-server', 'mcp-endpoint'],
  'authorization-server': ['outbound'],
  'development-issuer': ['authorization-server'],
  casdoor: ['outbound'],
  cli: [
    'outbound',
    'resource-server',
    'mcp-endpoint',
    'files',
    'gateway',
    'authorization-server',
    'development-issuer',
    'casdoor',
  ],
}

const sources = readSources('packages/*/src/**/*.ts')
const packageOf = ({ path }: SourceFile): string => path.split('/')[1] ?? ''
const inPackage = (name: string): readonly SourceFile[] => sources.filter((file) => packageOf(file) === name)

test('every package has its arrows written down', () => {
  assert.deepEqual([...new Set(sources.map(packageOf))].toSorted(), Object.keys(arrows).toSorted())
})

for (const [name, allowed] of Object.entries(arrows)) {
  test(`${name} imports no package but ${allowed.join(', ') || 'none'}`, () => {
    const wrong = inPackage(name).flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => specifier.startsWith('@mcp-doorman/') || specifier === 'mcp-doorman')
        .filter((specifier) => !allowed.includes(specifier.split('/')[1] ?? specifier))
        .map((specifier) => `${path} imports ${specifier}`),
    )
    assert.deepEqual(wrong, [])
  })
}

test('inside a package, imports are relative and name the file', () => {
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter(
        (specifier) => specifier.startsWith('#') || (specifier.startsWith('.') && !specifier.endsWith('.ts')),
      )
      .map((specifier) => `${path} imports ${specifier}`),
  )
  assert.deepEqual(wrong, [])
})

test('no relative import leaves its package', () => {
  const wrong = sources.flatMap((file) =>
    file.imports
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => posix.join(dirname(file.path), specifier))
      .filter((target) => !target.startsWith(`packages/${packageOf(file)}/src/`)),
  )
  assert.deepEqual(wrong, [])
})

/** The path of a request through resource-server: a step may import earlier ones, never later ones. */
const steps = [
  'denials.ts',
  'json-rpc.ts',
  'accept.ts',
  'resource-uri.ts',
  'uri-template.ts',
  'presented-headers.ts',
  'closest-name.ts',
  'unknown-keys.ts',
  'credentials.ts',
  'network-address.ts',
  'identity/',
  'limits.ts',
  'limit-store.ts',
  'action.ts',
  'policy/',
  'decision.ts',
  'challenge.ts',
  'metadata.ts',
  'audit-record.ts',
  'audit.ts',
  'guard-limits.ts',
  'guard.ts',
  'resource-server.ts',
  'front/',
  'adapters/',
  'audit-log/',
  'revocation-file.ts',
  'index.ts',
]

test('in resource-server no step of the path imports a later one', () => {
  const prefix = 'packages/resource-server/src/'
  const place = (path: string): number =>
    steps.findIndex((step) => (step.endsWith('/') ? path.startsWith(prefix + step) : path === prefix + step))
  const wrong = inPackage('resource-server').flatMap(({ path, imports }) => {
    if (place(path) === -1) return [`${path} has no place on the path`]
    return imports
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => posix.join(dirname(path), specifier))
      .filter((target) => place(target) > place(path))
      .map((target) => `${path} imports ${target}`)
  })
  assert.deepEqual(wrong, [])
})

// Connects to the socket in the state folder, and to nothing that has an address.
const adminClient = 'packages/cli/src/admin-client.ts'
test('adapters only translate: they are short, and need no framework', () => {
  const adapters = inPackage('resource-server').filter(({ path }) => path.includes('/src/adapters/'))
  assert.ok(adapters.length >= 6)
  for (const { path, text, imports } of adapters) {
    assert.ok(text.split('\n').length <= 81, `${path} is longer than 80 lines`)
    assert.deepEqual(
      imports.filter(
        (specifier) => !/^(?:node:http$|\.\.\/front\/|\.\.\/resource-server\.ts$)/.test(specifier),
      ),
      [],
      path,
    )
  }
})

// Speaks with the servers that the operator has named.
const upstreamLinks = 'packages/gateway/src/link/'

test('only outbound and the gateway open connections', () => {
  const opens =
    /(?<![#.\w])fetch\(|\bhttps?\.(?:request|get)\(|\b(?:createConnection|Socket)\(|from 'node:(?:https|tls|dgram|http2)'|from 'undici'|import \{[^}]*\b(?:request|get|connect|Agent)\b[^}]*\} from 'node:(?:http|net)'/
  const wrong = sources
    .filter(
      ({ path, text }) =>
        !path.startsWith('packages/outbound/') &&
        !path.startsWith(upstreamLinks) &&
        path !== adminClient &&
        opens.test(text),
    )
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

test('only the gateway starts processes, in one place and without a shell', () => {
  const starters = sources.filter(({ imports }) => imports.includes('node:child_process'))
  assert.deepEqual(
    starters.map(({ path }) => path),
    [`${upstreamLinks}child-process.ts`],
  )
  assert.ok(starters.every(({ text }) => !/\bshell:|\bexec/.test(text)))
})

test('only the verifier makes an identity', () => {
  const makers = sources.filter(({ text }) => text.includes('provenIdentity')).map(({ path }) => path)
  assert.deepEqual(makers, [
    'packages/resource-server/src/identity/claims.ts',
    'packages/resource-server/src/identity/identity.ts',
  ])
})

test('only the walk, and the start for the base itself, use the file system in files', () => {
  const wrong = inPackage('files')
    .filter(
      ({ path }) =>
        !path.startsWith('packages/files/src/walk/') && path !== 'packages/files/src/files-root.ts',
    )
    .filter(({ text }) =>
      /\b(?:open|lstat|stat|realpath|readdir|opendir|mkdir|rename|unlink|link|rm|rmdir)(?:Sync)?\(/.test(
        text,
      ),
    )
    .filter(({ text }) => /import \{[^}]*\} from 'node:fs/.test(text))
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

test('the development issuer is reached from the command only', () => {
  const users = sources
    .filter(({ imports }) => imports.includes('@mcp-doorman/development-issuer'))
    .map(packageOf)
  assert.deepEqual([...new Set(users)], ['cli'])
})

/** Every file of the command that a file of it imports, directly or not, with itself. */
function reachedFrom(path: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  const file = sources.find((source) => source.path === path)
  for (const specifier of file?.imports ?? []) {
    if (specifier.startsWith('.')) reachedFrom(posix.join(dirname(path), specifier), seen)
  }
  return seen
}

test('no command that serves others reaches the development issuer: only dev, its faults and its tokens do', () => {
  const importsIt = (path: string): boolean =>
    sources.find((source) => source.path === path)?.imports.includes('@mcp-doorman/development-issuer') ===
    true
  const reaching = inPackage('cli')
    .filter(({ path }) => path.startsWith('packages/cli/src/commands/'))
    .filter(({ path }) => [...reachedFrom(path)].some(importsIt))
    .map(({ path }) => posix.basename(path))
  assert.deepEqual(reaching.toSorted(), ['dev.ts', 'fault.ts', 'token.ts'])
})

test('faults are known to the development issuer and the command only', () => {
  const knowing = sources
    .filter((file) => !['development-issuer', 'cli'].includes(packageOf(file)))
    .filter(
      ({ imports, text }) => /\bFaultName\b/.test(text) || imports.some((name) => name.includes('/faults/')),
    )
  assert.deepEqual(
    knowing.map(({ path }) => path),
    [],
  )
})

test('resource-server and authorization-server share no code', () => {
  const shared = new Set(inPackage('resource-server').map(({ text }) => text))
  assert.ok(inPackage('authorization-server').every(({ text }) => !shared.has(text)))
})

test('no file carries a vague name', () => {
  const vague = /(?:^|[/-])(?:utils?|helpers?|common|types|shared|misc)(?:\.ts$|\/)/
  assert.deepEqual(
    sources.map(({ path }) => path).filter((path) => vague.test(path)),
    [],
  )
})
