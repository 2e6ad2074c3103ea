import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { phoenix, type PhoenixMessage } from '../../../src/presets/phoenix.js'
import { atPort, type ForeignServer } from './server.js'

type Frame = [string | null, string | null, string, string, unknown]

/**
 * A stand-in for Phoenix, which cannot be installed here, with a slow `handle_out`: a message of a channel waits 40 ms
 * in the channel's mailbox, and so does the reply to `phx_leave` behind it. Heartbeat replies do not wait.
 */
export async function start(): Promise<ForeignServer> {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(wss, 'listening')
  const mailboxes = new Set<(frame: Frame) => void>()
  wss.on('connection', (socket) => {
    const mailbox: { frame: Frame; due: number }[] = []
    const timer = setInterval(() => {
      while (mailbox[0] && mailbox[0].due <= performance.now()) socket.send(JSON.stringify(mailbox.shift()!.frame))
    }, 2)
    const put = (frame: Frame) => void mailbox.push({ frame, due: performance.now() + 40 })
    mailboxes.add(put)
    socket.on('close', () => {
      mailboxes.delete(put)
      clearInterval(timer)
    })
    socket.on('message', (text: Buffer) => {
      const [joinRef, ref, topic, event] = JSON.parse(String(text)) as Frame
      const reply: Frame = [joinRef, ref, topic, 'phx_reply', { status: 'ok', response: {} }]
      if (event === 'phx_leave') {
        mailboxes.delete(put)
        put(reply)
      } else socket.send(JSON.stringify(reply))
    })
  })
  const say = (event: string, payload: unknown) => {
    for (const put of mailboxes) put([null, null, 'room:1', event, payload])
  }
  return {
    port: (wss.address() as AddressInfo).port,
    url: atPort,
    protocol: phoenix({
      identity: ({ payload }) => String((payload as { id?: number }).id),
      leastOverlap: 100,
    }),
    topic: 'room:1',
    numberIn: (data) => ((data as PhoenixMessage).payload as { id: number }).id,
    tell: (id) => say('said', { id }),
    askToMove: () => say('reconnect', { deadline: 20_000 }),
    async close() {
      for (const client of wss.clients) client.terminate()
      wss.close()
    },
  }
}
