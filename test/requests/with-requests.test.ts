import { expect, it, vi } from 'vitest'
import { withRequests } from '../../src/requests/with-requests.js'
import type { Outbox } from '../../src/publishes/outbox.js'
import type { Requests } from '../../src/requests/requests.js'

it('legs are told to both, and an answer to the one whose id it bears', () => {
  const outbox = { ready: vi.fn(), gone: vi.fn(), acked: vi.fn(), nacked: vi.fn(), settled: () => true, size: 1 }
  const requests = {
    ready: vi.fn(),
    gone: vi.fn(),
    acked: vi.fn((id: string) => id === 'r'),
    nacked: vi.fn((id: string) => id === 'r'),
    settled: (leg: number) => leg === 2,
  }
  const both = withRequests(outbox as unknown as Outbox, requests as unknown as Requests)
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
