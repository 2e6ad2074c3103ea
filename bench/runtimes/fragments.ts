import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'

const HELLO = JSON.stringify({ type: 'hello', session: 'in-fragments', leg: 1, topics: {} })

/** A client's fragment as bytes on the wire, under a mask of zeros. */
function fragment(opcode: number, text: string, last: boolean): Buffer {
  const payload = Buffer.from(text)
  const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255]
  return Buffer.from([(last ? 0x80 : 0) | opcode, 0x80 | length[0]!, ...length.slice(1), 0, 0, 0, 0, ...payload])
}

/**
 * Sends a hello that begins in its first fragment and ends in its last, with `fragments` fragments of `bytes` spaces
 * between them, which JSON ignores. Resolves with whether the server welcomes it or closes the connection.
 */
export async function sendInFragments(
  port: number,
  { fragments, bytes }: { fragments: number; bytes: number },
): Promise<'welcome' | 'closed'> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  let heard = ''
  const told = new Promise<'welcome' | 'closed'>((resolve) => {
    socket.on('data', (data) => {
      heard += data.toString('latin1')
      if (heard.includes('"welcome"')) resolve('welcome')
    })
    socket.on('close', () => resolve('closed'))
  })
  const key = randomBytes(16).toString('base64')
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: livesocket.v1\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  )
  await once(socket, 'data')
  socket.write(fragment(1, HELLO.slice(0, -1), false))
  const between = fragment(0, ' '.repeat(bytes), false)
  const some = Buffer.concat(Array.from({ length: Math.min(fragments, 1_000) }, () => between))
  for (let sent = 0; sent < fragments && socket.writable; sent += 1_000)
    if (!socket.write(some)) await Promise.race([once(socket, 'drain'), told])
  if (socket.writable) socket.write(fragment(0, '}', true))
  const answer = await told
  socket.destroy()
  return answer
}
