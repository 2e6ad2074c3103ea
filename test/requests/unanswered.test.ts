import { expect, it, vi } from 'vitest'
import { Unanswered } from '../../src/requests/unanswered.js'
import type { Outbox } from '../../src/publishes/outbox.js'
import type { Requests } from '../../src/requests/requests.js'

function begin() {
  const outbox = {
    publish: vi.fn(),
    close: vi.fn(),
    ready: vi.fn(),
    gone: vi.fn(),
    acked: vi.fn(),
    nacked: vi.fn(),
    settled: () => true,
    size: 1,
  }
  const requests = {
    request: vi.fn(),
    close: vi.fn(),
    ready: vi.fn(),
    gone: vi.fn(),
    acked: vi.fn((id: string) => id === 'r'),
    nacked: vi.fn((id: string) => id === 'r'),
    settled: (leg: number) => leg === 2,
  }
  const maker = {
    makeOutbox: vi.fn(() => outbox as unknown as Outbox),
    makeRequests: vi.fn(() => requests as unknown as Requests),
    serving: { leg: 7, maxFrame: 70 },
  }
  return { outbox, requests, maker, both: new Unanswered(maker) }
}

it('legs are told to both, and an answer to the one whose id it bears', () => {
  const { outbox, requests, both } = begin()
  void both.publish('topic', 'data')
  void both.request('method', 'data')
  both.ready(1, 9)
  both.gone(1)
  for (const { ready, gone } of [outbox, requests]) {
    expect(ready).toHaveBeenCalledWith(1, 9)
    expect(gone).toHaveBeenCalledWith(1)
  }
  for (const id of ['r', 'p']) {
    both.acked(id, 3, 'data', 'e')
    both.nacked(id, 'no', 'No.', 5, 1, { left: 0 })
  }
  expect(outbox.acked.mock.calls).toEqual([['p', 3, 'data', 'e']])
  expect(outbox.nacked.mock.calls).toEqual([['p', 'no', 'No.', 5, 1, { left: 0 }]])
  expect([both.settled(1), both.settled(2), both.size]).toEqual([false, true, 1])
})

it('each is made with the first of its kind, and finds the leg that serves', () => {
  const { outbox, requests, maker, both } = begin()
  expect([both.settled(1), both.size]).toEqual([true, { messages: 0, bytes: 0 }])
  both.ready(7, 70)
  both.close('closed for now')
  expect([maker.makeOutbox, maker.makeRequests].map(({ mock }) => mock.calls.length)).toEqual([0, 0])
  void both.publish('topic', 'data')
  void both.publish('topic', 'data')
  expect([maker.makeOutbox, maker.makeRequests].map(({ mock }) => mock.calls.length)).toEqual([1, 0])
  expect(outbox.ready).toHaveBeenCalledWith(7, 70)
  expect(outbox.close).toHaveBeenCalledWith('closed for now')
  expect(requests.ready).not.toHaveBeenCalled()
})
