import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { askChoice, askSecret, askText, type Terminal } from '#internal/casdoor/asking'
import { UsageError } from '#internal/failure'

/** A terminal of which everything that is shown is kept. */
function openTerminal(): Terminal & { readonly type: (keys: string) => void; readonly shown: () => string } {
  const input = new PassThrough()
  const output = new PassThrough()
  let shown = ''
  output.on('data', (text: Buffer) => (shown += text.toString()))
  return { input, output, type: (keys) => void input.write(keys), shown: () => shown }
}

test('a secret is asked for, and not shown', async () => {
  const terminal = openTerminal()
  const answer = askSecret('Password', terminal)
  terminal.type('hunter2\r')
  assert.equal(await answer, 'hunter2')
  assert.match(terminal.shown(), /Password/)
  assert.doesNotMatch(terminal.shown(), /hunter/)
})

test('a text has something to begin with, and a choice is one of those that were given', async () => {
  const first = openTerminal()
  const name = askText('Name', 'admin', first)
  first.type('\r')
  assert.equal(await name, 'admin')
  const second = openTerminal()
  const options = [
    { value: 'one', label: 'The one' },
    { value: 'other', label: 'The other' },
  ] as const
  const choice = askChoice('Which?', options, second)
  second.type('\u001b[B\r')
  assert.equal(await choice, 'other')
})

for (const [name, ask] of [
  ['a secret', (terminal: Terminal) => askSecret('Password', terminal)],
  ['a text', (terminal: Terminal) => askText('Name', '', terminal)],
  ['a choice', (terminal: Terminal) => askChoice('Which?', [{ value: 'one', label: 'One' }], terminal)],
] as const) {
  test(`who gives up at ${name} has done nothing`, async () => {
    const terminal = openTerminal()
    const answer = ask(terminal)
    terminal.type('\u0003')
    await assert.rejects(
      answer,
      (error) => error instanceof UsageError && /Nothing was done/.test(error.message),
    )
  })
}
