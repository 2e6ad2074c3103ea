import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/base/clock.js'
import { createWriteCoalescing, type WriteCoalescing } from '../../../src/server/legs/write-coalescing.js'
import { createSimulatedClock } from '../kit.js'

/** A connection that records what is written to it, piece by piece. Each piece takes `cost` milliseconds. */
function connection(clock: Clock, cost: () => void = () => undefined) {
  let last = clock.monotonic()
  const pieces: string[] = []
  const write = (piece: string, done: () => void) => {
    cost()
    pieces.push(piece)
    done()
  }
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => write(String(chunk), done),
    writev: (chunks, done) => write(chunks.map(({ chunk }) => String(chunk)).join(' '), done),
  })
  const send = (outlet: WriteCoalescing, text: string, alone = false) => {
    const now = clock.monotonic()
    outlet.write(stream, Buffer.from(text), now - last, alone)
    last = now
  }
  return { pieces, send }
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))

/** A clock that advances while something is written. */
function busyClock() {
  const clock = createSimulatedClock()
  let spent = 0
  return {
    ...clock,
    advance: (ms: number) => clock.advance(ms),
    monotonic: () => clock.monotonic() + spent,
    spend: (ms: number) => void (spent += ms),
  } satisfies Clock & { advance(ms: number): unknown; spend(ms: number): void }
}

test('a server that spends little time on writing delays no write', async () => {
  const clock = createSimulatedClock()
  const outlet = createWriteCoalescing(clock)
  const { pieces, send } = connection(clock)
  for (let at = 0; at < 150; at++) {
    send(outlet, `${at}`)
    await turn()
    await clock.advance(5)
  }
  expect(pieces).toHaveLength(150)
})

describe('a server that spends much of its time on writing', () => {
  /** Sends a piece every 5 ms, each of which takes 1 ms to write. */
  async function busyServer() {
    const clock = busyClock()
    const outlet = createWriteCoalescing(clock)
    const writing = { cost: 1 }
    const busy = connection(clock, () => clock.spend(writing.cost))
    let sent = 0
    const send = async (times: number) => {
      for (let at = 0; at < times; at++) {
        busy.send(outlet, `${++sent}`)
        await turn()
        await clock.advance(4)
      }
    }
    await send(200)
    return { clock, outlet, writing, send, pieces: busy.pieces }
  }

  test('joins the writes of each connection, in order and at most 40 ms late, and stops that when it has time again', async () => {
    const { clock, writing, send, pieces } = await busyServer()
    const before = pieces.length
    await send(50)
    expect(pieces.length - before).toBeLessThan(25)
    await clock.advance(40)
    expect(pieces.join(' ').split(' ')).toEqual(Array.from({ length: 250 }, (_, at) => `${at + 1}`))

    writing.cost = 0
    await send(800)
    const after = pieces.length
    await send(50)
    expect(pieces.length - after).toBe(50)
  })

  test('delays no write to a connection that was quiet', async () => {
    const { clock, outlet, send } = await busyServer()
    const quiet = connection(clock)
    await send(10)
    for (let at = 1; at <= 3; at++) {
      quiet.send(outlet, `${at}`)
      await turn()
      expect(quiet.pieces).toHaveLength(at)
      await send(10)
    }
  })
})

test('a large amount for one connection is not delayed', async () => {
  const clock = createSimulatedClock()
  const outlet = createWriteCoalescing(clock)
  const { pieces, send } = connection(clock)
  for (let at = 0; at < 10; at++) send(outlet, 'x'.repeat(4_096))
  expect(pieces.length).toBeGreaterThan(0)
  await turn()
  expect(pieces.join(' ').split(' ')).toHaveLength(10)
})

test('a signal on its own leaves at once, and one behind other frames keeps its place', async () => {
  const clock = createSimulatedClock()
  const outlet = createWriteCoalescing(clock)
  const { pieces, send } = connection(clock)
  send(outlet, 'signal', true)
  send(outlet, 'signal', true)
  expect(pieces).toEqual(['signal', 'signal'])
  send(outlet, 'message')
  send(outlet, 'signal', true)
  expect(pieces).toHaveLength(2)
  await turn()
  expect(pieces[2]).toBe('message signal')
})
