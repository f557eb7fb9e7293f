import { equal } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'node:test'
import type { OutboundOptions } from '@mcp-doorman/outbound'
import { answerHello, answerNever, startServer, startTlsServer } from './loopback-servers.ts'

const program = fileURLToPath(new URL('ask-once.ts', import.meta.url))

/** Runs the program in an environment of its own; fails when it does not end by itself. */
async function askOnce(
  url: string,
  options: OutboundOptions,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, url, JSON.stringify(options)], {
    env,
    timeout: 20_000,
  })
  return stdout
}

test('A process ends by itself after an answer, although the connection was kept and time was left', async (t) => {
  const server = await startServer(t, answerHello)
  equal(await askOnce(server.origin, { trustedOrigins: [server.origin], timeoutSeconds: 120 }, {}), 'hello')
  await server.idle()
})

test('L3: NODE_TLS_REJECT_UNAUTHORIZED=0 does not make an unknown certificate acceptable', async (t) => {
  const server = await startTlsServer(t, 'loopback.pem', answerHello)
  const options = { trustedOrigins: [server.origin] }
  equal(await askOnce(server.origin, options, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }), 'tls_failed')
  equal(server.requests.length, 0)
})

test('Proxies of the environment are not used', async (t) => {
  const proxy = await startServer(t, answerNever)
  const server = await startServer(t, answerHello)
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']
  const env = { ...Object.fromEntries(names.map((name) => [name, proxy.origin])), NODE_USE_ENV_PROXY: '1' }
  equal(await askOnce(server.origin, { trustedOrigins: [server.origin] }, env), 'hello')
  equal(proxy.accepted(), 0)
})

test('Flags of the process do not widen the limits of the headers', async (t) => {
  const server = await startServer(t, (socket) => {
    socket.end(`HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(20_000)}\r\ncontent-length: 0\r\n\r\n`)
  })
  const env = { NODE_OPTIONS: '--max-http-header-size=1000000' }
  equal(await askOnce(server.origin, { trustedOrigins: [server.origin] }, env), 'too_large')
})

test('Flags of the process do not make the HTTP parser lenient', async (t) => {
  const server = await startServer(t, (socket) => {
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n')
  })
  const env = { NODE_OPTIONS: '--insecure-http-parser' }
  equal(await askOnce(server.origin, { trustedOrigins: [server.origin] }, env), 'connection_failed')
})
