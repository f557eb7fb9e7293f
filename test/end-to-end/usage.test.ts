import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { accessSync, constants, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, test } from 'node:test'
import { openLab } from './doorman-process.ts'
import { startHandMadeIssuer } from './hand-made-issuer.ts'
import { getJson } from './mcp-wire.ts'
import { startFiles } from './protected-servers.ts'

const lab = openLab({ after })
const folder = lab.makeFolder()
writeFileSync(join(folder, 'a-file'), '')
const issuer = ['--issuer', 'https://issuer.example.com']
const casdoor = ['--casdoor', 'https://auth.example.com']
const help = 'Run it with --help to see what it takes.\n'

interface Usage {
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** 2 for what is wrong by itself, 1 for what this machine does not have. */
  readonly code: 1 | 2
  readonly stderr: string
}

const usages: readonly Usage[] = [
  {
    words: ['files', folder],
    code: 2,
    stderr:
      'doorman: Nobody is named whose tokens to accept. Add --issuer URL or --casdoor URL; to try it without a provider, run "doorman dev" instead, or --stdio for one local user.\n',
  },
  {
    words: ['files', folder, ...casdoor],
    code: 2,
    stderr:
      'doorman: Any application of https://auth.example.com could obtain tokens for this server, because Casdoor lets every client choose the audience. Add --casdoor-application NAME to accept one application, or --allow-client ID for each client to accept.\n',
  },
  {
    words: ['files', folder, '--casdoor', 'https://auth.example.com/login', '--casdoor-application', 'a'],
    code: 2,
    stderr:
      'doorman: The resource server cannot be built:\n- casdoor: "https://auth.example.com/login" must be the bare origin that Casdoor\'s own "origin" setting names. Write "https://auth.example.com".\n',
  },
  {
    words: ['files', folder, ...issuer, '--casdoor-application', 'a'],
    code: 2,
    stderr:
      'doorman: --casdoor-application has no effect without --casdoor. Add it, or remove --casdoor-application.\n',
  },
  {
    words: ['files', folder, ...issuer, '--host', '0.0.0.0'],
    code: 2,
    stderr:
      'doorman: Listening on 0.0.0.0 needs the URL that clients will use, which names the audience of their tokens. Add --public-url https://…/mcp (TLS ends at a proxy in front).\n',
  },
  {
    words: ['files', folder, ...issuer, '--public-url', 'http://mcp.example.com/mcp'],
    code: 2,
    stderr:
      'doorman: The resource server cannot be built:\n- resource: "http://mcp.example.com/mcp" must be https; plain http is for loopback only.\n',
  },
  {
    words: ['files', folder, ...issuer, '--port', '0'],
    code: 2,
    stderr:
      'doorman: --port 0 takes a port that nobody knows before, so tokens cannot name it. Add --public-url.\n',
  },
  {
    words: ['files', folder, '--issuer', 'http://issuer.example.com'],
    code: 2,
    stderr:
      'doorman: The resource server cannot be built:\n- issuer: "http://issuer.example.com" must be https; plain http is for loopback only.\n',
  },
  {
    words: ['files', folder, ...issuer, '--limit', 'often'],
    code: 2,
    stderr: `error: option '--limit <rate>' argument 'often' is invalid. Write it as 600/min, 10/s, 1000/h or off.\n${help}`,
  },
  {
    words: ['files', folder, ...issuer, '--port', '65536'],
    code: 2,
    stderr: `error: option '--port <number>' argument '65536' is invalid. A port is a whole number from 0 to 65535.\n${help}`,
  },
  { words: ['files'], code: 2, stderr: `error: missing required argument 'directory'\n${help}` },
  {
    words: ['files', join(folder, 'missing'), ...issuer],
    code: 1,
    stderr: `doorman: ${join(folder, 'missing')} does not exist. Make the directory first, or name another.\n`,
  },
  {
    words: ['files', join(folder, 'a-file'), ...issuer],
    code: 1,
    stderr: `doorman: ${join(folder, 'a-file')} is not a directory. Name a directory to serve.\n`,
  },
  {
    words: ['files', '/', ...issuer],
    code: 1,
    stderr:
      'doorman: The root of the file system (/) is never served. Name a directory that holds only what agents may see.\n',
  },
  {
    words: ['files', folder, '--stdio', ...issuer],
    code: 2,
    stderr:
      'doorman: --issuer has no effect with --stdio, which has no network, tokens or users. Remove one of the two.\n',
  },
  {
    words: ['files', folder, '--stdio', '--per-user'],
    code: 2,
    stderr:
      'doorman: --per-user has no effect with --stdio, which has no network, tokens or users. Remove one of the two.\n',
  },
  {
    words: ['files', folder, '--stdio', '--audit', 'records'],
    code: 2,
    stderr:
      'doorman: --audit has no effect with --stdio, which has no network, tokens or users. Remove one of the two.\n',
  },
  {
    words: ['files', folder, '--stdio', '--limit', '5/min'],
    code: 2,
    stderr:
      'doorman: --limit has no effect with --stdio, which has no network, tokens or users. Remove one of the two.\n',
  },
  {
    words: ['files', folder, ...issuer, '--audit', join(folder, '..', 'nowhere', 'records')],
    code: 1,
    stderr: `doorman: Records cannot be kept in ${join(folder, '..', 'nowhere', 'records')}: name a file in a folder that exists. (ENOENT: no such file or directory, open '${join(folder, '..', 'nowhere', 'records')}')\n`,
  },
  {
    words: ['files', folder, ...issuer, '--audit', join(folder, 'records')],
    code: 2,
    stderr: `doorman: --audit ${join(folder, 'records')} lies in ${folder}, which is served: agents could read, replace or move it. Name a place outside, or in ${join(folder, '.doorman')}.\n`,
  },
  {
    words: ['dev', folder, '--state', join(folder, 'state')],
    code: 2,
    stderr: `doorman: --state ${join(folder, 'state')} lies in ${folder}, which is served: agents could read, replace or move it. Name a place outside, or in ${join(folder, '.doorman')}.\n`,
  },
  {
    words: ['dev', folder, '--port', '0', '--state', join(folder, '.doorman')],
    code: 2,
    stderr:
      'doorman: --port 0 cannot be used: tokens name the port, so it must be known before. Choose another.\n',
  },
  {
    words: ['dev', folder, '--state', join(folder, '.doorman')],
    env: { NODE_ENV: 'production' },
    code: 1,
    stderr:
      'doorman: The development issuer does not start in production (NODE_ENV=production): everybody knows its passwords. Use a real OpenID provider, or unset NODE_ENV.\n',
  },
  {
    words: ['token', 'issue', '--user', 'alice', '--scope', 'files:list', '--state', join(folder, 'nothing')],
    code: 1,
    stderr: `doorman: No development issuer runs with the state folder ${join(folder, 'nothing')} (no usable issuer.json in it). Start one there, or name the folder of the one that runs.\n`,
  },
  {
    words: ['token', 'issue', '--user', 'alice'],
    code: 2,
    stderr: `error: required option '--scope <scopes>' not specified\n${help}`,
  },
  { words: ['guard'], code: 2, stderr: `error: unknown command 'guard'\n${help}` },
]

for (const { words, env = {}, code, stderr } of usages) {
  const shown = [...Object.entries(env).map((pair) => pair.join('=')), 'doorman', ...words]
  test(`${shown.join(' ').replaceAll(folder, 'DIR')} ends with ${code} and says what to do`, async () => {
    assert.deepEqual(await lab.run(words, { env }), { code, stdout: '', stderr })
  })
}

test('asking for help or the version is no mistake', async () => {
  for (const words of [['--help'], ['files', '--help'], ['token', 'issue', '--help'], ['--version']]) {
    const { code, stdout, stderr } = await lab.run(words)
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, words[0] === '--version' ? /^\d+\.\d+\.\d+\n$/ : /^Usage: doorman/)
  }
})

test('MCP_SERVER_URL may be an origin: /mcp is appended, and that is said', async () => {
  const { issuer } = await startHandMadeIssuer(lab)
  const server = await startFiles(lab, {
    folder,
    words: ['--issuer', issuer],
    command: { env: { MCP_SERVER_URL: 'https://mcp.example.com' } },
  })
  assert.match(
    server.process.stdout(),
    /--public-url https:\/\/mcp\.example\.com has no path, so \/mcp was appended: clients and tokens name https:\/\/mcp\.example\.com\/mcp\./,
  )
  const metadata = await getJson(`${server.origin}/.well-known/oauth-protected-resource/mcp`)
  assert.equal(metadata.body['resource'], 'https://mcp.example.com/mcp')
  const answer = await fetch(server.url, { method: 'POST' })
  assert.match(
    answer.headers.get('www-authenticate') ?? '',
    /resource_metadata="https:\/\/mcp\.example\.com\/\.well-known\/oauth-protected-resource\/mcp"/,
  )
})

const olderNode = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.18.0' } })",
)}`

test('a Node that is too old is told so, by the command itself', async () => {
  const tooOld = (version: string): string =>
    `doorman needs Node 22.19 or newer, and this is ${version}. Install a newer one from https://nodejs.org.\n`
  const faked = await lab.run(['--version'], { nodeOptions: ['--import', olderNode] })
  assert.deepEqual(faked, { code: 1, stdout: '', stderr: tooOld('22.18.0') })
  for (const { node, version } of findOlderNodes()) {
    assert.deepEqual(await lab.run(['--version'], { node }), { code: 1, stdout: '', stderr: tooOld(version) })
  }
})

/** What this machine has besides the one that runs the tests; often nothing. */
function findOlderNodes(): readonly { readonly node: string; readonly version: string }[] {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((place) => !place.includes('node_modules'))
    .map((place) => join(place, 'node'))
    .filter(isExecutable)
    .map((node) => ({
      node,
      version: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1),
    }))
    .filter(({ version }) => Number(version.split('.')[0]) < 22)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
