// A chat on `ws`, as many people have it, and what LiveSocket needs of it: lines marked (new).
import { randomUUID } from 'node:crypto'
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ port: Number(process.env.PORT ?? 8080) })

// (new) Numbers come from one place that all processes share: here this one, in yours a sequence of the database or Redis INCR.
const log = { epoch: process.env.EPOCH ?? randomUUID(), messages: [] }
const KEPT = 10_000
const DEADLINE = 20_000
const following = new Map()

function publish(topic, data) {
  const message = { topic, epoch: log.epoch, offset: (log.messages.findLast((one) => one.topic === topic)?.offset ?? 0) + 1, data } // (new)
  log.messages.push(message)
  if (log.messages.length > KEPT) log.messages.shift()
  for (const [socket, topics] of following) if (topics.has(topic)) socket.send(JSON.stringify(message))
}

// (new) What a client missed goes out before it follows the topic, in one turn: nothing falls between.
function follow(socket, topics) {
  for (const [topic, { epoch, offset }] of Object.entries(topics)) {
    const missed = epoch === undefined ? [] : log.messages.filter((one) => one.topic === topic && (epoch !== log.epoch || one.offset > offset))
    for (const message of missed) socket.send(JSON.stringify(message))
    following.get(socket).add(topic)
  }
}

let draining = false

server.on('connection', (socket) => {
  if (draining) return socket.close(1012)
  following.set(socket, new Set())
  socket.on('message', (text) => {
    const frame = JSON.parse(text)
    if (frame.type === 'ping') socket.send('{"type":"pong"}') // (new) in order with the messages: it marks the end of an overlap
    else if (frame.type === 'hello') follow(socket, frame.topics) // (new)
    else publish(frame.topic, frame.data)
  })
  socket.on('close', () => following.delete(socket))
})

// (new) Asks to move, a few at a time so that the next server keeps up, serves on until they have gone, and closes who stayed.
process.on('SIGTERM', () => {
  draining = true
  const waiting = [...server.clients]
  const pace = setInterval(() => {
    for (const socket of waiting.splice(0, 20)) {
      socket.send(JSON.stringify({ type: 'handover', id: randomUUID(), reason: 'deploy', deadline: DEADLINE }))
    }
    if (waiting.length === 0) clearInterval(pace)
  }, 100)
  const gone = setInterval(() => server.clients.size === 0 && process.exit(), 100)
  setTimeout(() => {
    clearInterval(gone)
    for (const socket of server.clients) socket.close(1012)
    server.close(() => process.exit())
  }, DEADLINE + 5_000)
})

server.on('listening', () => console.log(`listening on ${server.address().port}`))
