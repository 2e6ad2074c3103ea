import { setTimeout } from 'node:timers/promises'
import { createLiveSocket } from 'livesocket'
import WebSocket from 'ws'
import type { Tick } from '../../kit/tick.js'
import type { OpenEcho } from './echo.js'

/** The pause between two handovers, ms. */
const REST = 50

export const openEcho: OpenEcho = async ({ urls, topics, onMessage }) => {
  let dials = 0
  const socket = createLiveSocket({
    url: () => urls[dials++ % urls.length]!,
    environment: { WebSocket },
    handover: { dwell: 0 },
  })
  for (const topic of topics) socket.subscribe(topic, (data) => onMessage(data as Tick))
  const live = new Promise<void>(
    (resolve) => void socket.store.subscribe(({ status }) => status === 'live' && resolve()),
  )
  socket.connect()
  await live
  return {
    publish: (topic, data) => void socket.publish(topic, data),
    overlapping: () => socket.store.getState().handover?.phase === 'overlapping',
    move() {
      let going = true
      const all = (async () => {
        while (going) {
          // The old leg stays open until this publish is answered.
          void socket.publish('slow', 'keeps the old leg')
          await socket.handover()
          await setTimeout(REST)
        }
      })()
      return {
        async stop() {
          going = false
          await all
        },
      }
    },
    close: () => socket.close(),
  }
}
