import { connect } from 'node:net'
import { KINDS } from './strangers-kinds.js'

const handshake = (path: string, fields = '', upgrade = 'websocket') =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${fields}\r\n`
const OURS = handshake('/live', 'Sec-WebSocket-Protocol: livesocket.v1\r\n')
const ODD = [
  handshake('/nobodys'),
  handshake('/live'),
  handshake('/live', '', 'h2c'),
  handshake('/live', '', 'tcp'),
  handshake('http://elsewhere.example/live'),
  handshake('/live', 'Origin: https://evil.example\r\nSec-WebSocket-Protocol: livesocket.v1\r\n'),
  OURS.replace('dGhlIHNhbXBsZSBub25jZQ==', 'short'),
  OURS.replace('GET', 'POST'),
  OURS.replace('Version: 13', 'Version: 99'),
  `${OURS}not a frame at all`,
]

/** A text frame, masked with zeros, whose header announces `bytes` bytes. */
function frame(bytes: number): Buffer {
  const head = Buffer.alloc(14)
  head[0] = 0x81
  head[1] = 0xff
  head.writeBigUInt64BE(BigInt(bytes), 2)
  return head
}

const HALF = Buffer.concat([Buffer.from(OURS), frame(200_000), Buffer.alloc(150_000, 0x20)])
const CRUMBS = Buffer.concat([Buffer.from(OURS), frame(200_000)])
const BAD = JSON.stringify({ type: 'hello', session: 'stranger', leg: 1, topics: {}, token: 'bad' })
const BAD_TOKEN = (() => {
  const head = Buffer.alloc(6)
  head[0] = 0x81
  head[1] = 0x80 | BAD.length
  return Buffer.concat([Buffer.from(OURS), head, Buffer.from(BAD)])
})()

const [, , port, wanted, count, addresses, atOnce] = process.argv as string[]
const SINGLE = KINDS.filter((kind) => kind !== 'all')
let dialled = 0
let open = 0
let errors = 0

function dial() {
  if (dialled >= Number(count)) return
  const at = dialled++
  const host = at % Number(addresses)
  const kind = wanted === 'all' ? SINGLE[at % SINGLE.length] : wanted
  const socket = connect({
    port: Number(port),
    host: '127.0.0.1',
    localAddress: `127.0.${1 + Math.floor(host / 250)}.${2 + (host % 250)}`,
  })
  socket.setNoDelay(true)
  open++
  let crumbs: ReturnType<typeof setInterval> | undefined
  socket.on('connect', () => {
    if (kind === 'half-request') socket.write(`GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ${'x'.repeat(8_000)}`)
    if (kind === 'silent') socket.write(OURS)
    if (kind === 'half-hello') socket.write(HALF)
    if (kind === 'bad-token') socket.write(BAD_TOKEN)
    if (kind === 'odd') {
      socket.write(ODD[at % ODD.length]!)
      if (at % 3 === 0) setTimeout(() => socket.resetAndDestroy(), 20)
    }
    if (kind === 'crumbs') {
      socket.write(CRUMBS)
      crumbs = setInterval(() => socket.write(' '), 20)
    }
  })
  socket.on('data', () => undefined)
  socket.on('error', () => void errors++)
  socket.on('close', () => {
    clearInterval(crumbs)
    open--
    setTimeout(dial, AGAIN)
  })
}

/** Milliseconds from the end of a connection to the dial that replaces it. */
const AGAIN = 1_000
/** Milliseconds between rounds of the first dials: some 5,000 dials a second, more than one process can greet. */
const RAMP = 10
let begun = 0
const ramp = setInterval(() => {
  for (let at = 0; at < 50 && begun < Number(atOnce); at++, begun++) dial()
  if (begun >= Number(atOnce)) clearInterval(ramp)
}, RAMP)
process.on('message', () => process.send!({ dialled, open, errors }))
