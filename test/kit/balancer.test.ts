import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createBalancer, type Balancer } from './balancer.js'

let balancer: Balancer
const ends: (() => void)[] = []

beforeEach(async () => {
  balancer = createBalancer({ interval: 1 })
  await balancer.ready
})

afterEach(async () => {
  await balancer.close()
  for (const end of ends.splice(0)) end()
})

/** Resolves at the end of the socket, whatever its cause; `once` would reject at an error. */
const closed = (socket: Socket) => new Promise<void>((done) => void socket.once('close', () => done()))

/** A server that sends its name, and whose health the test sets. */
async function backend(id: string) {
  const state = { healthy: true }
  const server = createServer((request, response) => {
    if (request.url === '/healthz') return void response.writeHead(state.healthy ? 200 : 503).end()
    response.end(id)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const seenAs = async (taking: boolean) => {
    while (balancer.backends().find((one) => one.id === id)?.taking !== taking) await new Promise(setImmediate)
  }
  return { id, port: (server.address() as AddressInfo).port, state, seenAs }
}

/** Opens one connection. Returns the name of the server that answered, or the error. */
async function ask(): Promise<string> {
  const socket = connect({ port: balancer.port, host: '127.0.0.1' })
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  let text = ''
  socket.on('data', (chunk) => void (text += String(chunk)))
  return new Promise((answered) => {
    socket.on('error', (error: NodeJS.ErrnoException) => answered(error.code!))
    socket.on('close', () => answered(/[ab]$/.exec(text.replace(/\r\n0\r\n\r\n$/, ''))?.[0] ?? ''))
  })
}

it('gives connections in turn to the servers that are ready', async () => {
  for (const one of [await backend('a'), await backend('b')]) await balancer.add(one)
  expect([await ask(), await ask(), await ask(), await ask()].sort()).toEqual(['a', 'a', 'b', 'b'])
})

it('takes a server out at its first 503, and in again at its next 200', async () => {
  const [a, b] = [await backend('a'), await backend('b')]
  await Promise.all([balancer.add(a), balancer.add(b)])
  a.state.healthy = false
  await a.seenAs(false)
  expect(await Promise.all([ask(), ask(), ask()])).toEqual(['b', 'b', 'b'])
  a.state.healthy = true
  await a.seenAs(true)
  expect([await ask(), await ask()].sort()).toEqual(['a', 'b'])
})

it('a retired server gets no new connections, and keeps those that it has', async () => {
  const [a, b] = [await backend('a'), await backend('b')]
  await balancer.add(a)
  const kept = connect({ port: balancer.port, host: '127.0.0.1' })
  await once(kept, 'connect')
  while (balancer.backends()[0]!.connections === 0) await new Promise(setImmediate)
  await balancer.add(b)
  balancer.retire('a')
  expect(await ask()).toBe('b')
  kept.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const [answer] = (await once(kept, 'data')) as [Buffer]
  expect(String(answer)).toContain('200 OK')
  kept.destroy()
})

it('resets a connection when no server is ready, and those of a server that is removed', async () => {
  expect(await ask()).toBe('ECONNRESET')
  const a = await backend('a')
  await balancer.add(a)
  const open = connect({ port: balancer.port, host: '127.0.0.1' })
  open.on('error', () => {})
  await once(open, 'connect')
  while (balancer.backends()[0]!.connections === 0) await new Promise(setImmediate)
  balancer.remove('a')
  await closed(open)
  expect(open.errored).not.toBeNull()
})
