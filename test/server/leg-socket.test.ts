import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { createLegSocket } from '../../src/server/leg-socket.js'
import { createOutlet } from '../../src/server/outlet.js'
import { createSimulatedClock } from './kit.js'

/** A connection that keeps what is written on it, piece by piece. */
function connection() {
  const pieces: string[] = []
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      pieces.push(String(chunk))
      done()
    },
    writev(chunks, done) {
      pieces.push(chunks.map(({ chunk }) => String(chunk)).join(' '))
      done()
    },
  })
  const nothing = () => undefined
  const ws = { OPEN: 1, readyState: 1, bufferedAmount: 0, on: nothing, once: nothing, send: (frame: Buffer) => void stream.write(frame) }
  const socket = createLegSocket(ws as never, stream, createSimulatedClock(), createOutlet(createSimulatedClock()), { text: nothing, binary: nothing, gone: nothing })
  return { pieces, send: (text: string) => socket.sendEncoded(Buffer.from(text)) }
}

test('what a leg is sent in one turn leaves in one piece, in order, and nothing waits for the next turn', async () => {
  const { pieces, send } = connection()
  send('answer')
  await Promise.resolve()
  send('message')
  expect(pieces).toEqual([])
  await new Promise<void>((resolve) => void setImmediate(resolve))
  expect(pieces).toEqual(['answer message'])
  send('later')
  await new Promise<void>((resolve) => void setImmediate(resolve))
  expect(pieces).toEqual(['answer message', 'later'])
})
