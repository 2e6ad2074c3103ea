import { once } from 'node:events'
import { connect } from 'node:net'

/** Sends those bytes over TCP; resolves with what came, when the connection ends or `until` was in it. Latin-1. */
export async function rawAnswer(port: number, bytes: string, until = '\0'): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (data) => {
    text += data.toString('latin1')
    if (text.includes(until)) socket.destroy()
  })
  socket.on('error', () => undefined)
  socket.write(Buffer.from(bytes, 'latin1'))
  await once(socket, 'close')
  return text
}
