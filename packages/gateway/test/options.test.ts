/** Everything that is wrong with options is said at once, before anything is started. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openUpstream, type UpstreamOptions } from '@mcp-doorman/gateway'
import { createRelay } from '@mcp-doorman/mcp-endpoint'

/** The problems that are listed; none when there are none. */
async function problemsOf(options: unknown): Promise<readonly string[]> {
  try {
    await openUpstream(options as UpstreamOptions).close() // Plain JavaScript passes anything.
    return []
  } catch (error) {
    assert.ok(error instanceof TypeError)
    const [first, ...problems] = error.message.split('\n- ')
    assert.equal(first, 'The upstream cannot be opened:')
    return problems
  }
}

const cases: readonly (readonly [name: string, options: object, problem: RegExp | undefined])[] = [
  ['a command', { command: ['server'] }, undefined],
  [
    'a command with everything',
    { command: ['server', ''], workingDirectory: '/', environment: { A_1: '' } },
    undefined,
  ],
  ['neither', {}, /either "command" or "url"/],
  ['both', { command: ['server'], url: 'https://a.example' }, /either "command" or "url"/],
  ['no words', { command: [] }, /^command: must be a program/],
  ['one text', { command: 'server --x' }, /^command: must be a program/],
  ['an empty program', { command: ['', 'x'] }, /^command: must be a program/],
  ['a word that is no text', { command: ['server', 5] }, /^command: must be a program/],
  ['a NUL', { command: ['server', 'a\0b'] }, /^command: holds a NUL/],
  ['a relative folder', { command: ['server'], workingDirectory: 'src' }, /^workingDirectory: "src" must be/],
  [
    'a folder that is not there',
    { command: ['server'], workingDirectory: '/nowhere' },
    /^workingDirectory: /,
  ],
  [
    'a variable without a name',
    { command: ['server'], environment: { '': 'x' } },
    /^environment: "" is no name/,
  ],
  [
    'a variable that is no text',
    { command: ['server'], environment: { A: 1 } },
    /^environment\.A: must be a text/,
  ],
  ['an option of HTTP', { command: ['server'], headers: {} }, /^headers: is not an option here/],
  ['https', { url: 'https://a.example/mcp', headers: { 'X-Key': 'a b' } }, undefined],
  ['http on loopback', { url: 'http://127.0.0.1:1/mcp' }, undefined],
  ['http elsewhere', { url: 'http://a.example/mcp' }, /^url: plain http is for loopback/],
  ['http elsewhere, on purpose', { url: 'http://a.example/mcp', allowPlainHttp: true }, undefined],
  ['no address', { url: 'a.example' }, /^url: "a\.example" is no address/],
  ['another protocol', { url: 'ftp://a.example' }, /^url: .* is no address/],
  ['a password', { url: 'https://u:p@a.example' }, /^url: must have no user/],
  [
    'a header of the gateway’s',
    { url: 'https://a.example', headers: { 'Mcp-Name': 'x' } },
    /^headers\.Mcp-Name: is written/,
  ],
  [
    'a header of the connection',
    { url: 'https://a.example', headers: { Connection: 'x' } },
    /^headers\.Connection: is/,
  ],
  [
    'a header that ends a line',
    { url: 'https://a.example', headers: { A: 'x\r\ny: z' } },
    /^headers\.A: must be visible/,
  ],
  [
    'a header without a name',
    { url: 'https://a.example', headers: { 'a b': 'x' } },
    /^headers: "a b" is no name/,
  ],
  [
    'an option of stdio',
    { url: 'https://a.example', environment: {} },
    /^environment: is not an option here/,
  ],
  [
    'a time that is none',
    { command: ['server'], idleSeconds: 0 },
    /^idleSeconds: must be 1 to 86400, and is 0\./,
  ],
  [
    'a number that is none',
    { command: ['server'], maxConnections: '5' },
    /^maxConnections: must be 1 to 100000, and is "5"\./,
  ],
]
for (const [name, options, problem] of cases) {
  test(`an upstream of ${name} is ${problem === undefined ? 'opened' : 'refused'}`, async () => {
    const problems = await problemsOf(options)
    if (problem === undefined) assert.deepEqual(problems, [])
    else assert.ok(problems.length === 1 && problem.test(problems[0] ?? ''), problems.join('\n'))
  })
}

test('all mistakes are listed at once', async () => {
  const problems = await problemsOf({ command: [], comand: [], idleSeconds: -1, workingDirectory: '.' })
  assert.deepEqual(
    problems.map((problem) => /^\w+/.exec(problem)?.[0]),
    ['comand', 'idleSeconds', 'command', 'workingDirectory'],
  )
})

test('a relay lists its mistakes at once too', async () => {
  const upstream = openUpstream({ command: ['server'] })
  const options = {
    name: 'n',
    version: '1',
    source: upstream.source,
    inputTimeoutSeconds: 0,
    secret: new Uint8Array(3),
    x: 1,
  }
  assert.throws(() => createRelay(options), /inputTimeoutSeconds: .*\n- x: .*\n- secret: /)
  await upstream.close()
})
