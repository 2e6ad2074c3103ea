// Many bare sockets in one process, so that the cost of a client library is not measured.
import WebSocket from 'ws'
import { serveProgram } from '../cluster/program.js'
import type { LegWords } from './kind.js'
import { KINDS, type KindName } from './kinds.js'

serveProgram<{ kind: KindName; port: number }>(({ kind, port }) => {
  const sockets: WebSocket[] = []
  let received = 0
  let wanted = Infinity
  let all: () => void
  let arrived: Promise<void>

  const open = (words: LegWords) =>
    new Promise<void>((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${words.path}`, [...words.protocols], {
        perMessageDeflate: false,
      })
      sockets.push(socket)
      socket.on('error', reject)
      socket.on('close', (code) => reject(new Error(`${kind} closed a leg with ${code}`)))
      if (words.hello)
        socket.on('open', () => socket.send(words.hello!(`${process.pid}-${sockets.length}-${Math.random()}`)))
      socket.on('message', (data) => {
        const heard = words.hear(String(data))
        if (heard === 'message') {
          if (++received === wanted) all()
        } else if (heard === 'ready') resolve()
        else if (heard) socket.send(heard.answer)
      })
    })

  return {
    /** Opens this many sockets, some at a time, and answers when all are welcomed. */
    async open({ legs, atOnce }: { legs: number; atOnce: number }) {
      const { words } = await KINDS[kind]()
      let left = legs
      const one = async () => {
        while (left-- > 0) await open(words)
      }
      const start = performance.now()
      await Promise.all(Array.from({ length: atOnce }, one))
      return { ms: performance.now() - start }
    },
    /** Counts messages from this call on. */
    expect({ messages }: { messages: number }) {
      received = 0
      wanted = messages
      arrived = new Promise<void>((resolve) => (all = resolve))
    },
    /** Answers when all expected messages have arrived on all legs. */
    received: () => arrived,
  }
})
