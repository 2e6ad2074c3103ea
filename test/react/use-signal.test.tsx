// @vitest-environment happy-dom
import { render } from '@testing-library/react'
import { LiveSocketProvider, useSignal } from 'livesocket/react'
import { StrictMode } from 'react'
import { expect, it } from 'vitest'
import { handServed } from '../kit/hand-served.js'

it('useSignal tells the latest handler, sends by a function that stays the same, and leaves with its component', async () => {
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
