import type { Outbound } from '@mcp-doorman/outbound'

/**
 * The `fetch` that oidc-provider reads client-ID metadata documents with, on top of a guarded outbound: https, public
 * addresses only, no redirects, bounded in size and time.
 *
 * oidc-provider's own guard looks at the address after the connection stands; ours before it is opened.
 */
export function createDocumentFetch(outbound: Outbound): typeof fetch {
  return async (input, init) => {
    const answer = await outbound.request({
      url: input instanceof Request ? input.url : String(input),
      headers: { accept: 'application/json' },
      ...(init?.signal instanceof AbortSignal && { signal: init.signal }),
    })
    if (!answer.ok) throw new Error(answer.message)
    // Any other status is refused unread; and a Response of 204 or 304 may not be given a body.
    const body = answer.status === 200 ? new Uint8Array(answer.body) : null
    return new Response(body, { status: answer.status, headers: answer.headers })
  }
}
