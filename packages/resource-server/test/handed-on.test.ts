import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hono } from 'hono'
import { protect as protectHono } from '@mcp-doorman/resource-server/hono'
import { protect as protectWeb } from '@mcp-doorman/resource-server/web'
import { startGuarded } from './guarded.ts'

// The parser takes the last of two members of one name; others take the first.
const twice =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"purge","name":"read_file","arguments":{}}}'

const guarded = await startGuarded()
const texts: string[] = []
async function take(request: Request): Promise<Response> {
  texts.push(await request.text())
  return new Response(null, { status: 202 })
}
const app = new Hono()
app.use(protectHono(guarded.server, (context) => take(context.req.raw)))

for (const [name, serve] of [
  ['web', protectWeb(guarded.server, take)],
  ['hono', (request: Request) => app.fetch(request)],
] as const) {
  test(`${name}: a handler that parses its body by itself finds what was judged, and nothing besides`, async () => {
    texts.splice(0)
    const answer = await serve(
      new Request('https://mcp.example/mcp', {
        method: 'POST',
        headers: {
          authorization: `Bearer ${guarded.issuer.sign()}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: twice,
      }),
    )
    assert.equal(answer.status, 202)
    assert.deepEqual(texts, [twice.replace('"name":"purge",', '')])
  })
}
