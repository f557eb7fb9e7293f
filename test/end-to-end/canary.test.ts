import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readIssuerSecret } from '@mcp-doorman/development-issuer'
import { createWatch, logInAndRedeem, misuseIssuer, putEverywhere } from './busy-mix.ts'
import { openLab } from './doorman-process.ts'
import { makeKey, signToken, startHandMadeIssuer } from './hand-made-issuer.ts'
import { allScopes, startDev, startFiles } from './protected-servers.ts'

const scope = allScopes.join(' ')

const rows = [
  { name: 'records on standard error', inFile: false },
  { name: 'records in a file', inFile: true },
]
for (const { name, inFile } of rows) {
  test(`K2: no token, password, code, cookie or key is printed, recorded or answered (${name})`, async (t) => {
    const lab = openLab(t)
    const watch = createWatch()
    const folder = lab.makeFolder()
    const recordTo = (file: string): string[] => (inFile ? ['--audit', join(folder, file)] : [])
    const clock = new URL('movable-clock.ts', import.meta.url).href
    const dev = await startDev(lab, {
      words: recordTo('dev.jsonl'),
      command: { nodeOptions: ['--import', clock] },
    })
    const other = await startHandMadeIssuer(lab)
    const files = await startFiles(lab, {
      words: ['--issuer', other.issuer, '--issuer', dev.issuer, '--per-user', ...recordTo('files.jsonl')],
    })

    const tokens = await logInAndRedeem(dev, watch)
    const good = watch.secret(await dev.token({ user: 'bob', scope }))
    for (const token of [tokens.access, good]) await putEverywhere(dev.url, token, watch)
    const claims = { iss: other.issuer, aud: files.url, scope }
    const others = [
      signToken(other.key, claims),
      signToken(other.key, { ...claims, aud: dev.url }),
      signToken(makeKey(other.key.kid), claims),
      signToken(other.key, { ...claims, exp: 1 }),
      signToken(other.key, { ...claims, scope: 'files:list' }),
      `${signToken(other.key, claims).slice(0, -9)}AAAAAAAAA`,
      randomBytes(32).toString('base64url'),
    ]
    for (const token of others) await putEverywhere(files.url, watch.secret(token), watch)
    await misuseIssuer(dev, tokens, watch)
    dev.process.send('SIGUSR2')
    await dev.process.printed(/the clock was moved/)
    await putEverywhere(dev.url, good, watch)

    const { secret } = readIssuerSecret(dev.state)
    watch.secret(secret)
    for (const file of ['cookie-key', 'signing-keys.json']) {
      const text = readFileSync(join(dev.state, file), 'utf8')
      for (const [, member = ''] of text.matchAll(/"(?:d|p|q|dp|dq|qi)":"([\w-]+)"/g)) watch.secret(member)
      if (file === 'cookie-key') watch.secret(text.trim())
    }
    const printed = [await dev.process.stop(), await files.process.stop()].flatMap(({ stdout, stderr }) => [
      stdout,
      stderr,
    ])
    const recorded = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
    const seen = [...printed, ...recorded, ...watch.errors].join('\n')

    for (const proof of provesThatItHappened) assert.ok(proof.test(seen), `never happened: ${proof}`)
    assert.ok(watch.secrets.size > 50, `${watch.secrets.size} secrets`)
    for (const one of watch.secrets) {
      const at = seen.indexOf(one)
      assert.equal(at, -1, `a secret is in: …${seen.slice(Math.max(0, at - 200), at)}<here>`)
    }
  })
}

const provesThatItHappened = [
  /"code":"token_expired"/,
  /"code":"audience_mismatch"/,
  /"code":"signature_invalid"/,
  /"code":"token_malformed"/,
  /"code":"token_presented_twice"/,
  /"code":"headers_disagree"/,
  /"outcome":"challenge"/,
  /"outcome":"hide"/,
  /"subject":"alice"/,
  /"subject":"bob"/,
  /insufficient_scope/,
  /invalid_grant/,
  /invalid_client/,
  /The name or the password is wrong/,
]
