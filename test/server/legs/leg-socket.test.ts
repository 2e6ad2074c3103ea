import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { LegSocket } from '../../../src/server/legs/leg-socket.js'
import { createWriteCoalescing } from '../../../src/server/legs/write-coalescing.js'
import { createSimulatedClock } from '../kit.js'

/** A connection that records what is written to it, piece by piece, and passes it on while `open`. */
function connection({ open = true, window = 1e6 } = {}) {
  const pieces: string[] = []
  let held: (() => void)[] = []
  const pass = (piece: string, done: () => void) => {
    pieces.push(piece)
    if (open) done()
    else held.push(done)
  }
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => pass(String(chunk), done),
    writev: (chunks, done) => pass(chunks.map(({ chunk }) => String(chunk)).join(' '), done),
  })
  const nothing = () => undefined
  const listeners: Record<string, (this: unknown, ...told: unknown[]) => void> = {}
  const marks: string[] = []
  const ws = {
    OPEN: 1,
    readyState: 1,
    _sender: {},
    isPaused: false,
    on: (name: string, listener: () => void) => void (listeners[name] = listener),
    once: (name: string, listener: () => void) => void (listeners[name] = listener),
    ping(mark: string, _mask: boolean | undefined, left: () => void) {
      marks.push(mark)
      stream.write('ping', left)
    },
    pause: () => void (ws.isPaused = true),
    resume: () => void (ws.isPaused = false),
    close: nothing,
    terminated: false,
    terminate: () => void (ws.terminated = true),
  }
  const clock = createSimulatedClock()
  const socket = new LegSocket(
    ws as never,
    stream,
    { clock, writes: createWriteCoalescing(createSimulatedClock()), window },
    { text: nothing, binary: nothing, asked: nothing, answered: nothing, gone: nothing },
  )
  return {
    clock,
    socket,
    pieces,
    marks,
    ws,
    send: (text: string) => socket.sendEncoded(Buffer.from(text)),
    message: (bytes: number) => socket.sendMessage(Buffer.alloc(bytes, 'x')),
    answer: (mark: string) => listeners['pong']!.call(ws, Buffer.from(mark)),
    /** The system accepts everything written so far, and nothing of what follows. */
    async drain() {
      for (let turns = 0; turns < 3; turns++) {
        const all = held
        held = []
        for (const done of all) done()
        await turn()
      }
    },
  }
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))

test('frames sent to a leg in one turn leave in one write, in order, at the end of that turn', async () => {
  const { pieces, send } = connection()
  send('answer')
  await Promise.resolve()
  send('message')
  expect(pieces).toEqual([])
  await turn()
  expect(pieces).toEqual(['answer message'])
  send('later')
  await turn()
  expect(pieces).toEqual(['answer message', 'later'])
})

test('readers that wait for room are served in the order in which they began to wait, each once a round', async () => {
  const { socket, message, drain } = connection({ open: false })
  while (socket.hasRoom()) message(8_000)
  const served: string[] = []
  const reader = (name: string) => {
    // Each has more to send than there is room for.
    const take = () => {
      served.push(name)
      while (socket.hasRoom()) message(8_000)
      if (served.length < 30) socket.whenRoom(take)
    }
    socket.whenRoom(take)
  }
  for (const name of ['a', 'b', 'c']) reader(name)
  for (let at = 0; at < 12; at++) await drain()
  expect(served.slice(0, 9)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c'])
})

test('a reader that no longer waits for room is forgotten, and those behind it are served', async () => {
  const { socket, message, drain } = connection({ open: false })
  while (socket.hasRoom()) message(8_000)
  const served: number[] = []
  const undo = Array.from({ length: 3 }, (_, at) => socket.whenRoom(() => void served.push(at)))
  undo[0]!()
  undo[1]!()
  for (let at = 0; at < 3; at++) await drain()
  expect(served).toEqual([2])
})

test('unread bytes in the buffers of the system are bounded by what the client has confirmed', async () => {
  const { socket, message, marks, answer } = connection({ window: 100_000 })
  const fill = async () => {
    let sent = 0
    for (; socket.hasRoom() && sent < 1e7; sent += 1_000) {
      message(1_000)
      await turn()
    }
    return sent
  }
  message(70_000)
  await turn()
  answer(marks.at(-1)!)
  expect(await fill()).toBe(100_000)
  let woken = 0
  socket.whenRoom(() => void woken++)
  answer(marks.at(-1)!)
  expect(woken).toBe(1)
})

test('a leg that does not read its answers is paused until it does', async () => {
  const { socket, send, drain, ws } = connection({ open: false })
  for (let at = 0; at < 2_000 && !ws.isPaused; at++) send('{"type":"pong"}')
  expect(socket.paused()).toBe(true)
  expect(socket.owed()).toBeLessThan(100_000)
  const settled = socket.settled()
  await drain()
  await settled
  expect(socket.paused()).toBe(false)
  expect(socket.owed()).toBe(0)
})

test('a leg that was paused counts neither as silent nor as stalled, because its frames and pongs come later', async () => {
  const { clock, socket, message, marks, answer } = connection()
  message(70_000)
  await turn()
  answer(marks.at(-1)!)
  socket.pause()
  message(140_000)
  await turn()
  expect(marks).toHaveLength(2)
  for (let second = 0; second < 60; second++) {
    await clock.advance(1_000)
    expect(socket.stalled(clock.monotonic(), 20_000)).toBe(false)
  }
  socket.resume()
  expect([socket.heardAt, socket.stalled(clock.monotonic(), 20_000)]).toEqual([60_000, false])
  for (let second = 0; second < 60; second++) {
    await clock.advance(1_000)
    socket.stalled(clock.monotonic(), 20_000)
  }
  // From now on it could have shown that it has read.
  expect(socket.stalled(clock.monotonic(), 20_000)).toBe(true)
})

test('a close waits for a slow leg as long as it goes on reading, and ends a leg that does not', async () => {
  const { clock, socket, message, marks, answer, ws } = connection()
  for (let at = 0; at < 24; at++) message(40_000)
  await turn()
  answer(marks[0]!)
  socket.close(4002, 'too-slow', 2_000)
  for (const mark of marks.slice(1, 5)) {
    await clock.advance(1_500)
    answer(mark)
  }
  expect(ws.terminated).toBe(false)
  await clock.advance(2_000)
  expect(ws.terminated).toBe(true)
})
