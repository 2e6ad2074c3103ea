import { once } from 'node:events'
import { connect } from 'node:net'

/**
 * Sends these bytes over TCP. Resolves with the answer as Latin-1, when the connection ends or the answer contains
 * `until`.
 */
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
