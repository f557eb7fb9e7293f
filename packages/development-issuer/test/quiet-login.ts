/** A process that goes through everything an issuer does, good and bad; a test looks at what it prints. */
import { startDevelopmentIssuer } from '@mcp-doorman/development-issuer'
import {
  authorizeUrl,
  files,
  getJson,
  getTokens,
  logIn,
  postForm,
  redeem,
  refresh,
  register,
} from './oauth-client.ts'
import { walkLogin } from './walk-login.ts'

const issuer = await startDevelopmentIssuer({
  port: 0,
  resources: [files],
  clients: [
    {
      clientId: 'checker',
      redirectUris: ['http://127.0.0.1/callback'],
      secret: 'a secret of the checker',
      mayIntrospect: true,
    },
  ],
})
await getJson(`${issuer.issuer}/.well-known/openid-configuration`)
await getJson(`${issuer.issuer}/jwks`)
await register(issuer, { redirect_uris: ['http://localhost/callback'] })
await register(issuer, { redirect_uris: ['javascript:alert(1)'] })
const tokens = await getTokens(issuer, {
  params: { scope: 'openid offline_access files:read', prompt: 'consent' },
})
await refresh(issuer, tokens.refresh)
await redeem(issuer, 'wrong')
const checker = { client_id: 'checker', client_secret: 'a secret of the checker' }
await postForm(`${issuer.issuer}/introspect`, { ...checker, token: tokens.access })
await postForm(`${issuer.issuer}/revoke`, { client_id: 'doorman-dev', token: tokens.access })
await logIn(issuer, { decision: 'deny' })
await fetch(authorizeUrl(issuer, { client_id: 'nobody' }))
await fetch(authorizeUrl(issuer, { client_id: 'https://127.0.0.1:1/client.json' }))
await walkLogin({
  authorizeUrl: authorizeUrl(issuer),
  user: 'alice',
  password: 'canary-password',
  decision: 'allow',
}).catch(() => {})
await issuer.rotateKeys()
await fetch(`${issuer.issuer}/token`, {
  method: 'POST',
  body: 'not a form',
  headers: { 'content-type': 'text/plain' },
})
await issuer.close()
