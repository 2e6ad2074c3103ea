// @vitest-environment happy-dom
import { render } from '@testing-library/react'
import { createLiveSocket } from 'livesocket'
import { LiveSocketProvider, useLiveMessages, useSignal } from 'livesocket/react'
import { StrictMode } from 'react'
import { expect, it } from 'vitest'
import { handServed } from '../kit/hand-served.js'
import { createStage } from './stage.js'

it('useSignal calls the latest handler, returns a stable function to send, and unsubscribes with its component', async () => {
  const { socket, live } = handServed()
  const heard: string[] = []
  const sends = new Set<unknown>()
  let send: (data: unknown) => void = () => {}
  const Cursor = ({ name }: { name: string }) => {
    send = useSignal('room', (data, { by }) => void heard.push(`${name}: ${JSON.stringify(data)} of ${String(by)}`))
    sends.add(send)
    return null
  }
  const page = (name: string) => (
    <StrictMode>
      <LiveSocketProvider socket={socket}>
        <Cursor name={name} />
      </LiveSocketProvider>
    </StrictMode>
  )
  const { rerender, unmount } = render(page('first'))
  const one = await live()
  rerender(page('latest'))
  one.send({ type: 'signal', id: 'a', topic: 'room', data: { x: 1 }, by: 'ann' })
  send({ x: 2 })
  expect(heard).toEqual(['latest: {"x":1} of ann'])
  expect(one.of('signal')).toMatchObject([{ topic: 'room', data: { x: 2 } }])
  expect(sends.size).toBe(1)
  unmount()
  await Promise.resolve()
  expect(one.of('unsubscribe')).toMatchObject([{ topics: ['room'] }])
  socket.close()
})

it('a gap is reported once to options that useSignal shares with a hook that reads the messages', async () => {
  const { options, simulation, advance, publish, ...stage } = createStage()
  const socket = createLiveSocket(options)
  const told: unknown[] = []
  const shared = { socket, onGap: ({ topic }: { topic: string }) => void told.push(topic) }
  const Room = () => {
    useSignal('room', () => undefined, shared)
    useLiveMessages('room', () => undefined, shared)
    return null
  }
  stage.render(<Room />)
  socket.connect()
  await publish('room', 1)
  simulation.offline()
  await advance(60_000)
  for (const data of [2, 3, 4]) simulation.publish('room', data)
  simulation.log.trim('room', 1)
  simulation.online()
  await advance(60_000)
  expect(told).toEqual(['room'])
  socket.close()
})
