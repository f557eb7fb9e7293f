/** The two ways to switch faults from outside: the endpoint of the command, and the page. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import type { DevelopmentIssuer } from '@mcp-doorman/development-issuer'
import { getJson, startIssuer } from './oauth-client.ts'
import { readForm } from './walk-login.ts'

function isOn(issuer: DevelopmentIssuer, name: string): boolean {
  return issuer.faults.list().some((fault) => fault.name === name && fault.on !== undefined)
}

async function wish(
  issuer: DevelopmentIssuer,
  body: unknown,
  authorization = `Bearer ${issuer.secret}`,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${issuer.issuer}/development/faults`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

test('whoever has the secret switches faults; without it, or with another, nobody', async (t) => {
  const issuer = await startIssuer(t)
  for (const authorization of ['', 'Bearer wrong', `Basic ${issuer.secret}`, `Bearer ${issuer.secret} x`]) {
    assert.equal((await wish(issuer, { enable: 'iss' }, authorization)).status, 401, authorization)
  }
  assert.equal(isOn(issuer, 'iss'), false)
  assert.equal((await wish(issuer, { enable: 'iss', parameters: { mode: 'wrong' } })).status, 200)
  assert.equal(isOn(issuer, 'iss'), true)
  const headers = { authorization: `Bearer ${issuer.secret}` }
  const { body } = await getJson(`${issuer.issuer}/development/faults`, headers)
  assert.deepEqual(body['faults'], issuer.faults.list())

  assert.equal((await wish(issuer, { disable: 'iss' })).status, 200)
  assert.equal(isOn(issuer, 'iss'), false)
  await issuer.faults.enable('slow')
  assert.equal((await wish(issuer, { clear: true })).status, 200)
  assert.equal(isOn(issuer, 'slow'), false)
})

test('a fault of every endpoint does not take away the endpoint that switches it off', async (t) => {
  const issuer = await startIssuer(t)
  await issuer.faults.enable('hanging')
  assert.equal((await wish(issuer, { clear: true })).status, 200)
})

for (const [body, says] of [
  ['{', /not a JSON object/],
  ['[]', /not a JSON object/],
  [{}, /exactly one of enable, disable and clear/],
  [{ enable: 'iss', clear: true }, /exactly one/],
  [{ enable: 'iss', other: 1 }, /exactly one/],
  [{ clear: 'yes' }, /clear: must be true/],
  [{ enable: 'nothing' }, /no fault .*nothing.*Known: slow, hanging/],
  [{ disable: 7 }, /no fault .*7/],
  [{ enable: '__proto__' }, /no fault/],
  [{ enable: 'iss', parameters: [] }, /parameters: must be an object/],
  [{ enable: 'iss', parameters: { mode: 'odd' } }, /mode: must be one of off, send-only/],
] as const) {
  test(`a wish that cannot be granted is refused in words: ${JSON.stringify(body)}`, async (t) => {
    const issuer = await startIssuer(t)
    const { status, text } = await wish(issuer, body)
    assert.equal(status, 400)
    assert.match(text, says)
  })
}

async function openPage(issuer: DevelopmentIssuer): Promise<{ text: string; headers: Headers }> {
  const response = await fetch(`${issuer.issuer}/faults`)
  assert.equal(response.status, 200)
  return { text: await response.text(), headers: response.headers }
}

function post(
  issuer: DevelopmentIssuer,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const body = new URLSearchParams(fields)
  return fetch(`${issuer.issuer}/faults`, { method: 'POST', body, headers, redirect: 'manual' })
}

test('the page shows every fault; its forms switch them, and only they can', async (t) => {
  const issuer = await startIssuer(t)
  const { text, headers } = await openPage(issuer)
  for (const { name } of issuer.faults.list()) assert.ok(text.includes(`<strong>${name}</strong>`), name)
  assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.equal(headers.get('access-control-allow-origin'), null)

  const { fields } = readForm(text, new URL(issuer.issuer))
  const token = fields.get('form_token') ?? ''
  const slow = { fault: 'slow', switch: 'on', 'parameter.seconds': '3', 'parameter.at': 'jwks,token' }
  for (const form_token of ['', 'wrong', `${token}x`]) {
    assert.equal((await post(issuer, { ...slow, form_token })).status, 403)
  }
  assert.equal((await post(issuer, slow)).status, 403)
  assert.equal(isOn(issuer, 'slow'), false)

  const switched = await post(issuer, { ...slow, form_token: token })
  assert.deepEqual([switched.status, switched.headers.get('location')], [303, '/faults'])
  const [on] = issuer.faults.list().filter((fault) => fault.on !== undefined)
  assert.deepEqual(on?.on, { at: ['jwks', 'token'], seconds: 3 })
  assert.match((await openPage(issuer)).text, /at=jwks,token seconds=3[^]*Switch everything off/)

  assert.equal((await post(issuer, { fault: 'slow', switch: 'off', form_token: token })).status, 303)
  assert.equal(isOn(issuer, 'slow'), false)
  await issuer.faults.enable('iss')
  assert.equal((await post(issuer, { switch: 'clear', form_token: token })).status, 303)
  assert.equal(isOn(issuer, 'iss'), false)
})

test('a parameter that cannot be used is said on the page, as text', async (t) => {
  const issuer = await startIssuer(t)
  const token = readForm((await openPage(issuer)).text, new URL(issuer.issuer)).fields.get('form_token') ?? ''
  const response = await post(issuer, {
    form_token: token,
    fault: 'slow',
    switch: 'on',
    'parameter.<b>x</b>': '1',
  })
  assert.equal(response.status, 400)
  const text = await response.text()
  assert.match(text, /role="alert">[^<]*&lt;b&gt;x&lt;\/b&gt;: unknown parameter/)
  assert.equal((await post(issuer, { form_token: token, fault: 'x', switch: 'on' })).status, 400)
})

test('a browser that was led here under another name gets no page', async (t) => {
  const issuer = await startIssuer(t)
  const statusOf = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(`${issuer.issuer}/faults`, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .once('error', reject)
        .end()
    })
  assert.equal(await statusOf(`localhost:${issuer.port}`), 200)
  assert.equal(await statusOf(`rebound.example:${issuer.port}`), 403)
})

for (const [method, type] of [
  ['PUT', 'application/x-www-form-urlencoded'],
  ['POST', 'text/plain'],
] as const) {
  test(`the page takes no ${method} with ${type}`, async (t) => {
    const issuer = await startIssuer(t)
    const init = { method, body: 'switch=clear', headers: { 'content-type': type } }
    assert.equal((await fetch(`${issuer.issuer}/faults`, init)).status, 405)
  })
}

test('below an issuer with a path, page and endpoint stand below it too', async (t) => {
  const issuer = await startIssuer(t, { issuer: 'http://127.0.0.1:9999/auth' })
  const at = `http://127.0.0.1:${issuer.port}`
  const page = await fetch(`${at}/auth/faults`)
  assert.equal(page.status, 200)
  assert.match(await page.text(), /action="\/auth\/faults"/)
  assert.equal((await fetch(`${at}/faults`)).status, 421, 'this name is nobody here')
})
