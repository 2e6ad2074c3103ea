import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import type { Clock } from '../../src/base/clock.js'
import { createOutlet } from '../../src/server/outlet.js'
import { createSimulatedClock } from './kit.js'

/** A connection that keeps what is written on it, piece by piece; each piece takes as long as `cost` says, ms. */
function connection(cost: () => void = () => undefined) {
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
  return { pieces, stream }
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))

/** A clock that goes on by itself while something is written. */
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

test('a server that spends little of its time on writing keeps nothing back', async () => {
  const clock = createSimulatedClock()
  const outlet = createOutlet(clock)
  const { pieces, stream } = connection()
  for (let at = 0; at < 150; at++) {
    outlet.hold(stream)
    stream.write(`${at}`)
    await turn()
    await clock.advance(5)
  }
  expect(pieces).toHaveLength(150)
})

test('one that spends much of it gives each connection what came together for it, in order, at most 10 ms later; and stops that when it has time again', async () => {
  const clock = busyClock()
  const outlet = createOutlet(clock)
  const writing = { cost: 1 }
  const { pieces, stream } = connection(() => clock.spend(writing.cost))
  let sent = 0
  const send = async (times: number) => {
    for (let at = 0; at < times; at++) {
      outlet.hold(stream)
      stream.write(`${++sent}`)
      await turn()
      await clock.advance(4)
    }
  }
  // A piece each 5 ms, of which it takes 1 to write.
  await send(200)
  const before = pieces.length
  await send(50)
  expect(pieces.length - before).toBeLessThan(35)
  await clock.advance(10)
  expect(pieces.join(' ').split(' ')).toEqual(Array.from({ length: 250 }, (_, at) => `${at + 1}`))

  writing.cost = 0
  await send(400)
  const after = pieces.length
  await send(50)
  expect(pieces.length - after).toBe(50)
})

test('much for one connection does not wait', async () => {
  const clock = createSimulatedClock()
  const outlet = createOutlet(clock)
  const { pieces, stream } = connection()
  for (let at = 0; at < 10; at++) {
    outlet.hold(stream)
    stream.write('x'.repeat(4_096))
  }
  expect(pieces.length).toBeGreaterThan(0)
  await turn()
  expect(pieces.join(' ').split(' ')).toHaveLength(10)
})
