/** S0: what the machine can do. `node:http`, one JSON.parse, the answer. Nobody is asked who they are. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { listen } from './listen.ts'
import { serveTarget } from './serve.ts'

interface Call {
  readonly id: number
  readonly params: { readonly arguments: { readonly text: string; readonly path: string } }
}

serveTarget(({ era, tool, directory }) => {
  const end = era === '2026' ? { resultType: 'complete' } : {}

  function answer({ id, params }: Call): string | Promise<string> {
    const { text, path } = params.arguments
    const format = (content: string): string =>
      JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: content }], ...end } })
    return tool === 'echo' ? format(text) : readFile(join(directory, path), 'utf8').then(format)
  }

  return listen((request, response) => {
    const chunks: Buffer[] = []
    const respond = (body: string): void => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      })
      response.end(body)
    }
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      // Only the load speaks to this process, and its requests have this shape.
      const body = answer(JSON.parse(Buffer.concat(chunks).toString()) as Call)
      if (typeof body === 'string') respond(body)
      else void body.then(respond)
    })
  })
})
