// @vitest-environment happy-dom
import { createLiveSocket, type LiveSocketError } from 'livesocket'
import { usePresence } from 'livesocket/react'
import { StrictMode } from 'react'
import { expect, it } from 'vitest'
import { act } from '../kit/react-act.js'
import type { Member, MemberRow } from '../../src/protocol/members.js'
import { ENTER, LEAVE, PRESENCE } from '../../src/protocol/own-methods.js'
import { presenceTopic } from '../../src/protocol/own-topics.js'
import { createStage } from './stage.js'

const TOPIC = presenceTopic('room')

/** A server that says about presence whatever the test wants. The ids of this client are `me` and `tab`. */
function setUp(refuse?: string) {
  const said: string[] = []
  const stage = createStage({
    onRequest(method, data) {
      const { n, data: own } = data as { n: number; data?: unknown }
      if (method === PRESENCE)
        return { data: { ...head(), you: ['me', 'tab'], rows: [['bob', 'b', 1, 1, 'hi', 'Bob']] } }
      if (method !== ENTER && method !== LEAVE) return { refuse: { code: 'unknown-method' } }
      said.push(method === ENTER ? `enter ${JSON.stringify(own)}` : 'leave')
      if (refuse !== undefined) return { refuse: { code: refuse } }
      const row: MemberRow = ['me', 'tab', n, n, own ?? null, 'Me']
      stage.simulation.publish(TOPIC, method === ENTER ? { set: [row] } : { gone: [['me', 'tab']] })
      return { data: null }
    },
  })
  const head = () => {
    const { epoch, offset } = stage.simulation.log.answer(TOPIC, null)
    return { epoch, offset }
  }
  const socket = createLiveSocket(stage.options)
  const errors: LiveSocketError[] = []
  const shown: (readonly Member<any, any>[])[] = []
  const Room = ({ data, topic = 'room' }: { data?: unknown; topic?: string | null }) => {
    const members = usePresence<any, any>(topic, data, { socket, onError: (error) => errors.push(error) })
    shown.push(members)
    return <output>{members.map(({ user, data: own }) => `${user} ${JSON.stringify(own)}`).join(', ')}</output>
  }
  return { ...stage, socket, said, errors, shown, Room }
}

it('shows who is present, and is present itself while it is mounted, with the data of its newest render', async () => {
  const { Room, render, advance, socket, said, shown } = setUp()
  const { container, rerender, unmount } = render(<Room data={{ at: 1 }} />)
  expect(container.textContent).toBe('')
  act(() => socket.connect())
  await advance(1_000)
  expect(container.textContent).toBe('Bob "hi", Me {"at":1}')
  const [bob] = shown.at(-1)!
  rerender(<Room data={{ at: 1 }} />)
  rerender(<Room data={{ at: 2 }} />)
  await advance(1_000)
  expect(container.textContent).toBe('Bob "hi", Me {"at":2}')
  expect(shown.at(-1)![0]).toBe(bob)
  unmount()
  await advance(1_000)
  expect(said).toEqual(['enter {"at":1}', 'enter {"at":2}', 'leave'])
})

it('enters once in StrictMode, and does not leave in between', async () => {
  const { Room, render, advance, socket, said } = setUp()
  act(() => socket.connect())
  const { container } = render(<Room data={1} />, { wrapper: StrictMode })
  await advance(3_000)
  expect(container.textContent).toBe('Bob "hi", Me 1')
  expect(said).toEqual(['enter 1'])
})

it('only watches without data, and does nothing without a topic', async () => {
  const { Room, render, advance, socket, said, sent } = setUp()
  act(() => socket.connect())
  const { container, rerender } = render(<Room topic={null} data={1} />)
  await advance(1_000)
  expect(sent('request')).toEqual([])
  rerender(<Room />)
  await advance(1_000)
  expect(container.textContent).toBe('Bob "hi"')
  rerender(<Room data={1} />)
  await advance(1_000)
  rerender(<Room />)
  await advance(1_000)
  expect(said).toEqual(['enter 1', 'leave'])
})

it('enters again only when the next user signs in after a sign-out', async () => {
  const { Room, render, advance, socket, said } = setUp()
  act(() => socket.connect())
  const { container } = render(<Room data={1} />)
  await advance(1_000)
  act(() => socket.signOut())
  await advance(1_000)
  expect(container.textContent).toBe('')
  expect(said).toEqual(['enter 1'])
  act(() => socket.connect())
  await advance(1_000)
  expect(said).toEqual(['enter 1', 'enter 1'])
})

it('reports once why it may not enter, and does not try again', async () => {
  const { Room, render, advance, socket, said, errors } = setUp('forbidden')
  act(() => socket.connect())
  const { rerender } = render(<Room data={1} />)
  await advance(1_000)
  rerender(<Room data={1} />)
  await advance(5_000)
  expect(errors).toMatchObject([{ code: 'forbidden' }])
  expect(said).toEqual(['enter 1'])
})
