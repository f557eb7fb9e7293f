import { deepEqual, rejects } from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import test, { type TestContext } from 'node:test'
import { lookupInDns } from '#internal/resolver'

const typeA = 1
const typeAaaa = 28
const nameDoesNotExist = 3

interface Zone {
  readonly a: readonly (readonly number[])[]
  readonly aaaa: readonly (readonly number[])[]
  readonly code?: number
}

/** A DNS server (RFC 1035 §4.1) that gives the same addresses for each name. Returns its address. */
async function startDns(t: TestContext, { a, aaaa, code = 0 }: Zone): Promise<string> {
  const socket = createSocket('udp4', (query, { port, address }) => {
    // The question follows 12 bytes of header: the name, ended by a zero byte, its type and its class.
    const end = query.indexOf(0, 12) + 5
    const type = query.readUInt16BE(end - 4)
    const records = type === typeA ? a : type === typeAaaa ? aaaa : []
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x8180 | code, 2)
    header.writeUInt16BE(records.length, 6)
    header.writeUInt32BE(0, 8)
    const answers = records.map((bytes) =>
      Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes]),
    )
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), port, address)
  })
  t.after(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return `127.0.0.1:${socket.address().port}`
}

const loopback6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]

test('A name has the addresses of both families', async (t) => {
  const server = await startDns(t, {
    a: [
      [8, 8, 8, 8],
      [127, 0, 0, 1],
    ],
    aaaa: [loopback6],
  })
  deepEqual(await lookupInDns('idp.example.com', [server]), ['8.8.8.8', '127.0.0.1', '::1'])
})

test('A name may lack one family', async (t) => {
  const onlyA = await startDns(t, { a: [[8, 8, 8, 8]], aaaa: [] })
  deepEqual(await lookupInDns('idp.example.com', [onlyA]), ['8.8.8.8'])
  const onlyAaaa = await startDns(t, { a: [], aaaa: [loopback6] })
  deepEqual(await lookupInDns('idp.example.com', [onlyAaaa]), ['::1'])
})

test('A name without addresses, and a name that does not exist, reject with the code', async (t) => {
  const empty = await startDns(t, { a: [], aaaa: [] })
  await rejects(lookupInDns('idp.example.com', [empty]), { code: 'ENODATA' })
  const missing = await startDns(t, { a: [], aaaa: [], code: nameDoesNotExist })
  await rejects(lookupInDns('idp.example.com', [missing]), { code: 'ENOTFOUND' })
})
