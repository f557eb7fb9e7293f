/** Requests of every kind, good and bad, with secrets in them; and the memory of which secrets those were. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { readIssuerSecret } from '@mcp-doorman/development-issuer'
import { readForm, walkLogin, type CookieJar } from '../../packages/development-issuer/test/walk-login.ts'
import { callTool, forms, legacyHeaders, modernCall, parseObject, post } from './mcp-wire.ts'
import { allScopes, type Dev } from './protected-servers.ts'

const redirectUri = 'http://127.0.0.1:9/callback'
const scope = allScopes.join(' ')

/** Everything that must stay between two parties, and everything that others may come to see. */
export interface Watch {
  /** Remembers a secret; gives it back. */
  secret(text: unknown): string
  /** Remembers an answer if it is an error: those are shown to people and logged by clients. */
  answer(response: Response): Promise<string>
  readonly secrets: ReadonlySet<string>
  readonly errors: readonly string[]
}

export function createWatch(): Watch {
  const secrets = new Set<string>()
  const errors: string[] = []
  return {
    secrets,
    errors,
    secret(text) {
      assert.ok(typeof text === 'string' && text.length >= 12, 'too short to be searched for')
      // Of a JWT each part alone is too much, but for the header, which is no secret.
      const parts = text.split('.')
      for (const part of parts.length === 3 ? [text, ...parts.slice(1)] : [text]) secrets.add(part)
      return text
    },
    async answer(response) {
      const text = await response.text()
      if (response.status >= 400) errors.push(`${JSON.stringify([...response.headers])} ${text}`)
      return text
    },
  }
}

/** A token where it belongs, and wherever a confused client might put it. */
export async function putEverywhere(url: string, token: string, watch: Watch): Promise<void> {
  const { origin } = new URL(url)
  const send = async (to: string, init: RequestInit): Promise<void> =>
    void (await watch.answer(await fetch(to, init)))
  const bearer = { authorization: `Bearer ${token}` }
  for (const form of forms) {
    for (const call of [
      { name: 'list_files' },
      { name: 'write_file', arguments: { path: 'x', content: token } },
      { name: 'read_file', arguments: { path: token } },
      { name: 'read_file', arguments: { path: 'x', [token]: token } },
      // Names are recorded and answered up to a length that no JWT is below.
      ...(token.length > 128 ? [{ name: token }] : []),
    ]) {
      const { status, headers, text } = await callTool(url, token, call, form)
      if (status !== 200) await watch.answer(new Response(text, { status, headers }))
    }
  }
  await send(`${url}?access_token=${token}`, { method: 'POST' })
  await send(`${url}?access_token=${token}`, { method: 'POST', headers: bearer })
  await send(`${url}/${token}`, { method: 'POST', headers: bearer })
  await send(`${origin}/.well-known/${token}`, {})
  const { body, headers } = modernCall({ name: 'list_files' })
  for (const header of [...Object.keys(headers), 'mcp-session-id', 'origin', 'content-type', 'cookie']) {
    const plain = { ...bearer, 'content-type': 'application/json', ...headers }
    await send(url, { method: 'POST', headers: { ...plain, [header]: token }, body: JSON.stringify(body) })
  }
  for (const authorization of [
    token,
    `Basic ${token}`,
    `bearer ${token} ${token}`,
    `Bearer ${token}, Bearer ${token}`,
  ]) {
    await send(url, { method: 'POST', headers: { authorization }, body: '{}' })
  }
  for (const body of [
    token,
    { jsonrpc: '2.0', id: 1, method: token },
    { jsonrpc: token, id: 1 },
    [[token]],
  ]) {
    const { status, headers, text } = await post(url, token, body, legacyHeaders)
    if (status !== 200 && status !== 202) await watch.answer(new Response(text, { status, headers }))
  }
  await watch.answer(new Response(await askAsHost(url, token), { status: 421 }))
}

/** `fetch` always sends the real host. */
function askAsHost(url: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', headers: { host: host.slice(0, 200) } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
    })
      .on('error', reject)
      .end()
  })
}

export interface Tokens {
  readonly access: string
  readonly refresh: string
  readonly code: string
  readonly verifier: string
  readonly clientId: string
  readonly clientSecret: string
}

/** Registers, logs in with a wrong password and then the right one, redeems the code. */
export async function logInAndRedeem({ issuer, url }: Dev, watch: Watch): Promise<Tokens> {
  const registered = await post(`${issuer}/register`, undefined, { redirect_uris: [redirectUri] })
  const clientSecret = watch.secret(registered.body['client_secret'])
  const clientId = String(registered.body['client_id'])
  const verifier = watch.secret(randomBytes(32).toString('base64url'))
  const authorizeUrl = new URL(`${issuer}/authorize`)
  authorizeUrl.search = `${new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource: url,
    scope,
  })}`
  const cookies: CookieJar = new Map()
  const walk = {
    authorizeUrl,
    user: 'alice',
    decision: 'allow' as const,
    cookies,
    onPage: (page: {
      readonly text: string
      readonly url: URL
      readonly status: number
      readonly headers: Headers
    }) => {
      watch.secret(readForm(page.text, page.url).fields.get('form_token'))
      // What the form itself carries is between it and this browser.
      void watch.answer(new Response(page.text.replaceAll(/<[^>]*>/g, ' '), page))
    },
  }
  const wrong = watch.secret(`wrong-${randomBytes(12).toString('hex')}`)
  await assert.rejects(walkLogin({ ...walk, password: wrong }), /was not let in/)
  const back = await walkLogin({ ...walk, password: 'alice' })
  for (const { pair } of cookies.values()) watch.secret(pair.split('=')[1])
  const code = watch.secret(back.searchParams.get('code'))

  const credentials = watch.secret(Buffer.from(`${clientId}:${clientSecret}`).toString('base64'))
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  })
  const { access_token: access, refresh_token: refresh } = parseObject(await watch.answer(response))
  return {
    access: watch.secret(access),
    refresh: watch.secret(refresh),
    code,
    verifier,
    clientId,
    clientSecret,
  }
}

/** Asks the issuer for what it refuses, with secrets in the request. */
export async function misuseIssuer({ issuer, state }: Dev, tokens: Tokens, watch: Watch): Promise<void> {
  const { access, refresh, code, verifier, clientId, clientSecret } = tokens
  const client = { client_id: clientId, client_secret: clientSecret }
  const wrong = { client_id: clientId, client_secret: watch.secret(randomBytes(24).toString('hex')) }
  const postForm = async (path: string, form: Record<string, string>): Promise<string> =>
    watch.answer(await fetch(`${issuer}${path}`, { method: 'POST', body: new URLSearchParams(form) }))

  const renewed = parseObject(
    await postForm('/token', { ...client, grant_type: 'refresh_token', refresh_token: refresh }),
  )
  for (const name of ['access_token', 'refresh_token']) watch.secret(renewed[name])
  const used = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
  for (const form of [
    { ...client, ...used },
    { ...wrong, ...used },
    { ...client, grant_type: 'refresh_token', refresh_token: access },
    { ...client, grant_type: 'refresh_token', refresh_token: refresh, scope: access },
    { ...client, grant_type: refresh },
    { ...client, grant_type: 'authorization_code', code: refresh, redirect_uri: code, code_verifier: access },
  ]) {
    await postForm('/token', form)
  }
  for (const path of ['/introspect', '/revoke']) {
    await postForm(path, { ...wrong, token: access })
    await postForm(path, { ...client, token: refresh })
  }
  for (const path of [
    `/authorize?client_id=${clientId}&code=${code}`,
    `/${refresh}`,
    `/interaction/${code}`,
  ]) {
    await watch.answer(await fetch(issuer + path, { redirect: 'manual' }))
  }
  for (const secret of [
    watch.secret(randomBytes(32).toString('base64url')),
    readIssuerSecret(state).secret,
  ]) {
    const answer = await post(`${issuer}/development/token`, secret, {
      user: 'nobody',
      scope,
      resource: access,
    })
    await watch.answer(new Response(answer.text, { status: answer.status, headers: answer.headers }))
  }
}
