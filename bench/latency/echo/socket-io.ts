import { io } from 'socket.io-client'
import type { OpenEcho } from './echo.js'
import { stays } from './stays.js'

export const openEcho: OpenEcho = async ({ urls, onMessage }) => {
  const socket = io(new URL(urls[0]!).origin, { transports: ['websocket'] })
  socket.on('tick', onMessage)
  await new Promise<void>((resolve) => void socket.on('connect', resolve))
  return { ...stays, publish: (_topic, data) => void socket.emit('tick', data), close: () => void socket.disconnect() }
}
