// A client as `livesocket client-conformance` wants it.
import { createInterface } from 'node:readline'
import { createLiveSocket } from 'livesocket'
import { WebSocket } from 'ws'

const topic = process.env['LIVESOCKET_TOPIC']!
const socket = createLiveSocket({
  url: process.env['LIVESOCKET_URL']!,
  environment: { WebSocket: WebSocket as never },
})
const say = (word: object) => console.log(JSON.stringify(word))
socket.subscribe(topic, (data, { offset }) => say({ message: { offset, data } }))
socket.on('gap', ({ from, to }) => say({ gap: { from, to } }))
socket.connect()
createInterface({ input: process.stdin }).on('line', (line) => {
  const { data } = JSON.parse(line) as { data: unknown }
  socket.publish(topic, data).then(
    ({ offset }) => say({ settled: { data, offset } }),
    (error: { code: string }) => say({ settled: { data, code: error.code } }),
  )
})
