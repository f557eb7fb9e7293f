import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { accepts } from '@mcp-doorman/resource-server'
import { rounds } from '../../../test/rounds.ts'

const rows: readonly (readonly [accept: string | undefined, json: boolean, stream: boolean])[] = [
  [undefined, true, true],
  ['', false, false],
  ['*/*', true, true],
  ['application/json, text/event-stream', true, true],
  ['TEXT/Event-Stream , Application/JSON;charset=utf-8', true, true],
  ['application/json', true, false],
  ['application/*;q=0.2', true, false],
  ['text/*', false, true],
  ['text/event-stream;q=0, application/json', true, false],
  ['text/event-stream; q=0.000', false, false],
  ['text/event-streams, xapplication/json', false, false],
  ['text/html', false, false],
]

for (const [accept, json, stream] of rows) {
  test(`G24: Accept ${JSON.stringify(accept)} takes ${json ? '' : 'no '}JSON and ${stream ? '' : 'no '}streams`, () => {
    assert.deepEqual(
      [accepts(accept, 'application/json'), accepts(accept, 'text/event-stream')],
      [json, stream],
    )
  })
}

test('an Accept header is read without throwing, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (accept) => void accepts(accept, 'application/json')),
    rounds(500),
  )
})
