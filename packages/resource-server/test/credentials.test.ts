import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readHeaders, type DenialCode } from '@mcp-doorman/resource-server'
import { readCredentials } from '#internal/credentials'
import { startGuarded } from './guarded.ts'
import { rounds } from '../../../test/rounds.ts'

interface Row {
  readonly id: string
  readonly name: string
  /** Values of `Authorization`, each in a field of its own. `TOKEN` stands for a good token. */
  readonly fields: readonly string[]
  readonly target?: string
  readonly expected: DenialCode | 'allow'
}

const rows: readonly Row[] = [
  { id: 'B1', name: 'Bearer', fields: ['Bearer TOKEN'], expected: 'allow' },
  { id: 'B1', name: 'bearer', fields: ['bearer TOKEN'], expected: 'allow' },
  { id: 'B1', name: 'BEARER', fields: ['BEARER TOKEN'], expected: 'allow' },
  { id: 'B1', name: 'two spaces', fields: ['Bearer  TOKEN'], expected: 'allow' },
  { id: 'B1', name: 'space around the value', fields: [' \tBearer TOKEN \t'], expected: 'allow' },
  { id: 'B6', name: 'a tab between', fields: ['Bearer\tTOKEN'], expected: 'authorization_malformed' },
  {
    id: 'B6',
    name: 'a space and a tab between',
    fields: ['Bearer \tTOKEN'],
    expected: 'authorization_malformed',
  },
  { id: 'B6', name: 'nothing between', fields: ['BearerTOKEN'], expected: 'token_missing' },
  { id: 'B6', name: 'a colon between', fields: ['Bearer: TOKEN'], expected: 'authorization_malformed' },
  { id: 'B6', name: 'a second word', fields: ['Bearer TOKEN more'], expected: 'authorization_malformed' },
  { id: 'B6', name: 'the token twice', fields: ['Bearer TOKEN TOKEN'], expected: 'authorization_malformed' },
  {
    id: 'B6',
    name: 'a parameter after it',
    fields: ['Bearer TOKEN, realm="x"'],
    expected: 'authorization_malformed',
  },
  {
    id: 'B6',
    name: 'the scheme twice',
    fields: ['Bearer Bearer TOKEN'],
    expected: 'authorization_malformed',
  },
  { id: 'B6', name: 'a token in quotes', fields: ['Bearer "TOKEN"'], expected: 'authorization_malformed' },
  {
    id: 'B6',
    name: 'a no-break space after it',
    fields: ['Bearer TOKEN\u00a0'],
    expected: 'authorization_malformed',
  },
  { id: 'B6', name: 'a NUL after it', fields: ['Bearer TOKEN\0'], expected: 'authorization_malformed' },
  {
    id: 'B6',
    name: 'a line end after it',
    fields: ['Bearer TOKEN\r\nX: y'],
    expected: 'authorization_malformed',
  },
  { id: 'B6', name: 'an equals sign within', fields: ['Bearer a=b'], expected: 'authorization_malformed' },
  { id: 'B6', name: 'padding after it', fields: ['Bearer TOKEN='], expected: 'token_malformed' },
  { id: 'B6', name: 'no token', fields: ['Bearer'], expected: 'authorization_malformed' },
  { id: 'B6', name: 'no token but a space', fields: ['Bearer '], expected: 'authorization_malformed' },
  { id: 'B6', name: 'an empty value', fields: [''], expected: 'authorization_malformed' },
  { id: 'B6', name: 'the token alone', fields: ['TOKEN'], expected: 'token_missing' },
  {
    id: 'B6',
    name: 'a letter of Bearer in Cyrillic',
    fields: ['B\u0435arer TOKEN'],
    expected: 'authorization_malformed',
  },

  { id: 'B7', name: 'no header', fields: [], expected: 'token_missing' },
  { id: 'B7', name: 'Basic', fields: ['Basic YTpi'], expected: 'token_missing' },
  { id: 'B7', name: 'Basic with the token', fields: ['Basic TOKEN'], expected: 'token_missing' },
  { id: 'B7', name: 'Negotiate', fields: ['Negotiate'], expected: 'token_missing' },
  { id: 'B7', name: 'DPoP', fields: ['DPoP TOKEN'], expected: 'token_missing' },
  {
    id: 'B7',
    name: 'a scheme that begins like Bearer',
    fields: ['BearerX TOKEN'],
    expected: 'token_missing',
  },

  {
    id: 'B5',
    name: 'two fields',
    fields: ['Bearer TOKEN', 'Bearer TOKEN'],
    expected: 'authorization_repeated',
  },
  {
    id: 'B5',
    name: 'a second field that is empty',
    fields: ['Bearer TOKEN', ''],
    expected: 'authorization_repeated',
  },
  {
    id: 'B5',
    name: 'a first field that is empty',
    fields: ['', 'Bearer TOKEN'],
    expected: 'authorization_repeated',
  },
  {
    id: 'B5',
    name: 'two fields of two schemes',
    fields: ['Basic YTpi', 'Bearer TOKEN'],
    expected: 'authorization_repeated',
  },
  {
    id: 'B5',
    name: 'three fields',
    fields: ['Bearer a', 'Bearer b', 'Bearer TOKEN'],
    expected: 'authorization_repeated',
  },
  {
    id: 'B5',
    name: 'two joined by a comma',
    fields: ['Bearer TOKEN, Bearer TOKEN'],
    expected: 'authorization_repeated',
  },
  {
    id: 'B5',
    name: 'two joined without a space',
    fields: ['Bearer TOKEN,bearer TOKEN'],
    expected: 'authorization_repeated',
  },
  {
    id: 'B5',
    name: 'two schemes joined',
    fields: ['Basic YTpi, Bearer TOKEN'],
    expected: 'authorization_repeated',
  },
  {
    id: 'B5',
    name: 'Bearer and DPoP joined',
    fields: ['Bearer TOKEN, DPoP TOKEN'],
    expected: 'authorization_repeated',
  },

  {
    id: 'B2',
    name: 'a token in the query alone',
    fields: [],
    target: '/mcp?access_token=TOKEN',
    expected: 'token_missing',
  },
  {
    id: 'B2',
    name: 'a token in the query, later',
    fields: [],
    target: '/mcp?a=b&access_token=TOKEN',
    expected: 'token_missing',
  },
  {
    id: 'B4',
    name: 'a token in both',
    fields: ['Bearer TOKEN'],
    target: '/mcp?access_token=TOKEN',
    expected: 'token_presented_twice',
  },
  {
    id: 'B4',
    name: 'a token in both, in capitals',
    fields: ['Bearer TOKEN'],
    target: '/mcp?x=1&Access_Token=a',
    expected: 'token_presented_twice',
  },
  {
    id: 'B4',
    name: 'an empty token in the query',
    fields: ['Bearer TOKEN'],
    target: '/mcp?access_token=',
    expected: 'token_presented_twice',
  },
  {
    id: 'B4',
    name: 'another parameter that ends like it',
    fields: ['Bearer TOKEN'],
    target: '/mcp?my_access_token=a',
    expected: 'allow',
  },
  {
    id: 'B4',
    name: 'a path that has its name',
    fields: ['Bearer TOKEN'],
    target: '/access_token=a',
    expected: 'allow',
  },
]

const world = await startGuarded()
const token = world.issuer.sign()
const filled = (text: string): string => text.replaceAll('TOKEN', token)

for (const { id, name, fields, target = '/mcp', expected } of rows) {
  test(`${id}: Authorization with ${name} → ${expected}`, async () => {
    const headers = fields.flatMap((field, place) => [
      place % 2 === 0 ? 'Authorization' : 'authorization',
      filled(field),
    ])
    assert.equal(await world.outcome({ headers, target: filled(target) }), expected)
  })
}

test('B2, K5: the query stands in no record', async () => {
  await world.ask({ target: `/mcp?access_token=${token}` })
  assert.ok(!world.sink.lines.join('\n').includes(token))
})

test('B7: no credentials get a challenge without an error, and bad ones with one', async () => {
  const challenge = async (field: string | undefined): Promise<string> => {
    const headers = field === undefined ? [] : ['Authorization', field]
    return world.answer(await world.ask({ headers })).headers['www-authenticate'] ?? ''
  }
  for (const field of [undefined, 'Basic YTpi']) assert.doesNotMatch(await challenge(field), /error/)
  assert.match(await challenge('Bearer a b'), /error="invalid_request"/)
  assert.match(await challenge('Bearer a'), /error="invalid_token"/)
})

test('credentials: reading never throws, and a token that is read is one word of the one header', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'Bearer',
      'bearer ',
      'DPoP',
      'dpop ',
      ' ',
      '\t',
      ',',
      '=',
      'a.b.c',
      'Basic',
      '\u00a0',
      '"',
      '\r\n',
    ),
  )
  fc.assert(
    fc.property(
      fc.array(nasty, { maxLength: 6 }),
      fc.string(),
      fc.boolean(),
      (parts, target, takesProofs) => {
        const value = parts.join('')
        const read = readCredentials(readHeaders(['Authorization', value]), target, takesProofs)
        if (!read.ok) return
        const words = value.replace(/^[ \t]+|[ \t]+$/g, '').split(/ +/)
        assert.deepEqual([words.length, words[0]?.toLowerCase(), words[1]], [2, read.scheme, read.token])
      },
    ),
    rounds(2000),
  )
})

test('headers of 32 KiB are read in a moment, whatever they are made of', () => {
  const long = 32 * 1024
  for (const piece of [' ', '\t', ', ', ',', 'a', '=', 'Bearer ', ',bearer', 'a ']) {
    const value = piece.repeat(long / piece.length)
    const started = performance.now()
    for (const around of [value, `Bearer ${value}`, `Bearer a${value}b`]) {
      readCredentials(readHeaders(['Authorization', around]), `/${value}`, true)
    }
    assert.ok(performance.now() - started < 250, JSON.stringify(piece))
  }
})

test('headers: names are read in any case, others are left alone, and each repetition is named', () => {
  const headers = readHeaders([
    'MCP-Method',
    'a',
    'mcp-METHOD',
    'b',
    'X-Else',
    'c',
    'x-else',
    'd',
    'Mcp-Name',
    'e',
    'Accept',
    'f',
    'accept',
    'g',
    'MCP-Param-Region',
    ' h ',
    'mcp-param-REGION',
    'i',
    'alone',
  ])
  assert.deepEqual(headers, {
    authorization: undefined,
    contentType: undefined,
    accept: 'f,g',
    protocolVersion: undefined,
    mcpMethod: 'a',
    mcpName: 'e',
    dpop: undefined,
    paramHeaders: new Map([['region', 'h']]),
    repeated: ['mcp-method', 'mcp-param-region'],
  })
})
