// A common chat on `ws`. The lines that LiveSocket needs are marked (new).
import { randomUUID } from 'node:crypto'
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ port: Number(process.env.PORT ?? 8080) })
const followers = new Set()

// (new) All processes must share one source of numbers: here this process, in yours a database sequence or Redis INCR.
const epoch = process.env.EPOCH ?? randomUUID()
let offset = 0
const kept = []

function publish(data) {
  const message = JSON.stringify({ topic: 'chat', data, epoch, offset: ++offset }) // (new) epoch and offset
  kept.push(message) // (new)
  if (kept.length > 10_000) kept.shift() // (new)
  for (const socket of followers) socket.send(message)
}

// (new) Sends what a client missed and lets it follow, in one turn of the event loop, so that no message is lost between.
function follow(socket, from) {
  const missed = from?.epoch === undefined ? 0 : from.epoch === epoch ? offset - from.offset : kept.length
  for (const message of missed > 0 ? kept.slice(-missed) : []) socket.send(message)
  followers.add(socket)
}

function hear(socket, frame) {
  if (frame.type === 'ping') socket.send('{"type":"pong"}') // (new) in order with the messages, so it marks the end of an overlap
  else if (frame.type === 'hello') follow(socket, frame.topics?.chat) // (new)
  else publish(frame.data)
}

let draining = false // (new)

server.on('connection', (socket) => {
  socket.on('error', () => undefined) // a `close` event follows
  if (draining) return socket.close(1012) // (new)
  socket.on('close', () => followers.delete(socket))
  socket.on('message', (text) => {
    try {
      hear(socket, JSON.parse(text))
    } catch {
      socket.close(1003)
    }
  })
})

// (new) Accepts no new clients and asks the present ones to hand over, ten at a time for the next server's sake. Closes those that stay.
const DEADLINE = Number(process.env.DEADLINE ?? 20_000)
process.on('SIGTERM', () => {
  draining = true
  const waiting = [...followers]
  setInterval(() => {
    for (const socket of waiting.splice(0, 10)) socket.send(JSON.stringify({ type: 'handover', id: randomUUID(), reason: 'deploy', deadline: DEADLINE }))
    if (server.clients.size === 0) process.exit()
  }, 100)
  setTimeout(() => server.clients.forEach((socket) => socket.close(1012)), 1.25 * DEADLINE)
})

server.on('listening', () => console.log(`listening on ${server.address().port}`))
