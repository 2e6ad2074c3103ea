// @vitest-environment happy-dom
import { render } from '@testing-library/react'
import { LiveSocketProvider, useLiveLog, type OwnPublish } from 'livesocket/react'
import { StrictMode } from 'react'
import { expect, it } from 'vitest'
import { act } from '../kit/react-act.js'
import { handServed, type HandLeg } from '../kit/hand-served.js'

async function chat(atFirst = 100) {
  let limit = atFirst
  const served = handServed()
  const { socket, clock, live } = served
  const renders: string[] = []
  let entries: readonly (object | OwnPublish)[] = []
  const Log = () => {
    entries = useLiveLog('t', { optimistic: true, limit })
    renders.push(
      entries
        .map((entry) => {
          const { data, own } = entry as OwnPublish
          return own === undefined ? data : own === 'pending' ? `(${String(data)})` : `!${String(data)}: ${own.code}`
        })
        .join(' '),
    )
    return null
  }
  const page = () => (
    <StrictMode>
      <LiveSocketProvider socket={socket}>
        <Log />
      </LiveSocketProvider>
    </StrictMode>
  )
  const { unmount, rerender } = render(page())
  const one = await act(() => live())
  return {
    ...served,
    one,
    unmount,
    showAtMost: (most: number) => {
      limit = most
      rerender(page())
    },
    renders,
    entries: () => entries as readonly OwnPublish[],
    shown: async () => {
      await act(() => clock.advance(20))
      return renders.at(-1)
    },
    publish: (data: unknown) => act(async () => void socket.publish('t', data).catch(() => undefined)),
    idOf: (leg: HandLeg, data: unknown) => leg.of('publish').find((frame) => frame.data === data)!.id as string,
    message: (leg: HandLeg, offset: number, data: unknown, id?: string) =>
      leg.send({ type: 'message', topic: 't', offset, data, ...(id && { id }) }),
  }
}

it('shows an own publish at once, after the messages, until its message replaces it: never both, never neither', async () => {
  const { one, publish, shown, message, idOf, renders, entries, unmount } = await chat()
  message(one, 6, 'theirs')
  await publish('mine')
  expect(await shown()).toBe('theirs (mine)')
  const key = entries()[1]!.id
  message(one, 7, 'between')
  expect(await shown()).toBe('theirs between (mine)')
  message(one, 8, 'mine', idOf(one, 'mine'))
  expect(await shown()).toBe('theirs between mine')
  one.send({ type: 'ack', id: idOf(one, 'mine'), offset: 8 })
  expect(await shown()).toBe('theirs between mine')
  expect(entries()[2]!.id).toBe(key)
  await publish('next')
  one.send({ type: 'ack', id: idOf(one, 'next'), offset: 9 })
  expect(await shown()).toBe('theirs between mine (next)')
  message(one, 9, 'next', idOf(one, 'next'))
  expect(await shown()).toBe('theirs between mine next')
  const from = renders.indexOf('theirs (mine)')
  expect(renders.slice(from).every((text) => text.split('mine').length === 2)).toBe(true)
  unmount()
})

it('keeps an own publish when the limit changes, and applies the new limit from then on', async () => {
  const { publish, shown, showAtMost, unmount } = await chat(2)
  await publish(1)
  showAtMost(3)
  expect(await shown()).toBe('(1)')
  for (const n of [2, 3, 4]) await publish(n)
  expect(await shown()).toBe('(2) (3) (4)')
  unmount()
})

it('keeps a failed publish with its reason until it is dismissed', async () => {
  const { one, publish, shown, idOf, entries, unmount } = await chat()
  await publish('bad')
  one.send({ type: 'nack', id: idOf(one, 'bad'), code: 'forbidden', message: 'No.' })
  expect(await shown()).toBe('!bad: forbidden')
  act(() => entries()[0]!.dismiss())
  expect(await shown()).toBe('')
  await publish(() => 1)
  expect(await shown()).toMatch(/^!.*: invalid$/)
  unmount()
})

it('keeps an own publish through a handover, and one that was applied on the old leg is replaced by its message on the new one', async () => {
  const { one, leg, publish, shown, message, idOf, unmount, clock } = await chat()
  await publish('mine')
  one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
  const two = await act(() => leg(2))
  two.welcome({ server: 'b', offset: 6 })
  expect(await shown()).toBe('(mine)')
  message(two, 6, 'mine', idOf(one, 'mine'))
  expect(await shown()).toBe('mine')
  one.send({ type: 'ack', id: idOf(one, 'mine'), offset: 6 })
  await act(() => clock.advance(5_000))
  expect(await shown()).toBe('mine')
  unmount()
})

it('removes a publish whose message its publisher may not see at the next message, and leaves nothing for the next user', async () => {
  const { socket, one, publish, shown, message, idOf, unmount } = await chat(2)
  await publish('hidden')
  one.send({ type: 'ack', id: idOf(one, 'hidden'), offset: 6 })
  one.send({ type: 'message', topic: 't', offset: 7, prev: 5, data: 'theirs' })
  expect(await shown()).toBe('theirs')
  for (const n of [1, 2, 3]) await publish(n)
  expect(await shown()).toBe('theirs (2) (3)')
  message(one, 8, 1, idOf(one, 1))
  await act(async () => socket.signOut())
  expect(await shown()).not.toMatch(/[(!]/)
  unmount()
})

it('removes a failed publish when its user signs out, even if the log is empty otherwise', async () => {
  const { socket, one, publish, shown, idOf, unmount } = await chat()
  await publish('bad')
  one.send({ type: 'nack', id: idOf(one, 'bad'), code: 'forbidden', message: 'No.' })
  expect(await shown()).toBe('!bad: forbidden')
  await act(async () => socket.signOut())
  expect(await shown()).toBe('')
  unmount()
})

it('when the numbering starts over, removes earlier publishes, and keeps later ones until their message', async () => {
  const { one, leg, clock, publish, shown, message, idOf, unmount } = await chat()
  message(one, 6, 'theirs')
  await publish('lost')
  one.send({ type: 'ack', id: idOf(one, 'lost'), offset: 7 })
  expect(await shown()).toBe('theirs (lost)')
  one.end(1006)
  await act(() => clock.advance(2_000))
  const two = await leg(2)
  two.open()
  two.send({ type: 'welcome', server: 's', topics: { t: { epoch: 'f', offset: 0, after: 0 } } })
  await publish('mine')
  two.send({ type: 'ack', id: idOf(two, 'mine'), offset: 1 })
  expect(await shown()).toBe('theirs (mine)')
  message(two, 1, 'mine', idOf(two, 'mine'))
  expect(await shown()).toBe('theirs mine')
  unmount()
})
