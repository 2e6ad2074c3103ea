// @vitest-environment happy-dom
import { createLiveSocket } from 'livesocket'
import { LiveSocketProvider, useLiveSocket, useLiveStatus, useLiveValue } from 'livesocket/react'
import { renderToString } from 'react-dom/server'
import { expect, it, vi } from 'vitest'
import { createStage } from './stage.js'

it('hydrates a server render without a mismatch, and goes live', async () => {
  const stage = createStage()
  const complaints = vi.spyOn(console, 'error')
  const Inside = () => <p>{[useLiveStatus(), String(useLiveValue('chat'))].join()}</p>
  const Shared = () => (
    <p>{useLiveStatus((state) => state.status, Object.is, useLiveSocket({ ...stage.options, key: 'shared' }))}</p>
  )
  const app = (
    <LiveSocketProvider options={stage.options}>
      <Inside />
      <Shared />
    </LiveSocketProvider>
  )
  const container = document.createElement('div')
  document.body.append(container)
  container.innerHTML = renderToString(app)
  expect(container.textContent).toBe('idle,undefinedidle')
  const [first] = container.children
  stage.render(app, { container, hydrate: true })
  await stage.advance(500)
  await stage.publish('chat', 'hello')
  expect(container.textContent).toBe('live,hellolive')
  expect(container.children[0]).toBe(first)
  expect(complaints).not.toHaveBeenCalled()
})

it('hydrates the status that a server rendered although the socket is already live, with any equality function', async () => {
  const stage = createStage()
  const socket = createLiveSocket(stage.options)
  socket.connect()
  await stage.advance(500)
  const complaints = vi.spyOn(console, 'error')
  const Status = () => {
    const status = useLiveStatus(
      (state) => state.status,
      () => true,
    )
    return <p>{status}</p>
  }
  const app = (
    <LiveSocketProvider socket={socket}>
      <Status />
    </LiveSocketProvider>
  )
  const container = document.createElement('div')
  document.body.append(container)
  container.innerHTML = renderToString(app)
  stage.render(app, { container, hydrate: true })
  await stage.advance(500)
  expect(container.textContent).toBe('idle')
  expect(complaints).not.toHaveBeenCalled()
  socket.close()
})
