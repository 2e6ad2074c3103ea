import { once } from 'node:events'
import WebSocket from 'ws'
import type { Tick } from '../../kit/tick.js'
import type { OpenEcho } from './echo.js'
import { stays } from './stays.js'

export const openEcho: OpenEcho = async ({ urls, onMessage }) => {
  const socket = new WebSocket(urls[0]!, { perMessageDeflate: false })
  socket.onmessage = ({ data }) => onMessage(JSON.parse(String(data)) as Tick)
  await once(socket, 'open')
  return { ...stays, publish: (_topic, data) => socket.send(JSON.stringify(data)), close: () => socket.close() }
}
