import { describe, expect, test } from 'vitest'
import { Unread } from '../../../src/server/legs/unread.js'
import { MOST_WAITING as OWN } from '../../../src/server/limits.js'

/** A leg whose connection passes to the system what `pass` says, and whose client answers marks as `answer` says. */
function leg(window = 256 * 1024) {
  let own = 0
  let now = 0
  let gone = 0
  const marks: string[] = []
  const unread = new Unread(
    window,
    {
      get writableLength() {
        return own
      },
    },
    now,
  )
  return {
    unread,
    marks,
    send(bytes: number) {
      const time = unread.add(bytes)
      own += bytes
      if (time) marks.push(unread.mark())
    },
    /** The system has taken everything. */
    flush() {
      own = 0
      if (marks.length > gone) unread.flushed(now)
      gone = marks.length
    },
    answer: (mark = marks.at(-1)!) => unread.answered(mark, now),
    wait: (ms: number) => void (now += ms),
    stalled: (patience = 20_000) => unread.stalled(now, patience),
  }
}

describe('unread bytes of a leg in this process', () => {
  test('are bounded in bytes, and make room again when the system has taken them', () => {
    const { unread, send, flush } = leg()
    let sent = 0
    for (; unread.room(); sent += 1_000) send(1_000)
    expect(sent).toBeLessThanOrEqual(OWN.bytes + 10_000)
    flush()
    expect(unread.room()).toBe(true)
  })

  test('are bounded in frames as well, because small frames cost more than their bytes', () => {
    const { unread, send } = leg()
    let frames = 0
    for (; unread.room(); frames++) send(10)
    expect(frames).toBeGreaterThan(OWN.pieces / 2)
    expect(frames).toBeLessThanOrEqual(OWN.pieces + 32)
  })

  test('may be one message that alone is larger than the bound', () => {
    const { unread, send, flush, marks } = leg()
    send(5_000_000)
    expect(unread.room()).toBe(false)
    expect(marks).toHaveLength(1)
    flush()
    expect(unread.room()).toBe(true)
  })
})

describe('unread bytes in the system and the network', () => {
  test('are bounded by what the client has confirmed', () => {
    const { unread, send, flush, answer, marks } = leg(100_000)
    send(70_000)
    flush()
    answer()
    const before = marks.length
    let sent = 0
    for (; unread.room(); sent += 1_000) {
      send(1_000)
      flush()
    }
    expect(sent).toBe(100_000)
    answer(marks[before]!)
    expect(unread.room()).toBe(true)
  })

  test('are not held against a client whose network drops pings', () => {
    const { unread, send, flush, wait, stalled } = leg(100_000)
    for (let at = 0; at < 1_000; at++) {
      send(10_000)
      flush()
    }
    wait(1e6)
    expect(unread.room()).toBe(true)
    expect(stalled()).toBe(false)
  })

  test('do not shrink by a pong that was never asked for, or comes twice', () => {
    const { unread, send, flush, answer, marks } = leg(100_000)
    send(70_000)
    flush()
    answer()
    for (let at = 0; at < 100; at++) {
      send(1_000)
      flush()
    }
    for (const mark of ['1e9', '', 'NaN', '-1', 'Infinity', marks[0]!]) answer(mark)
    expect(unread.room()).toBe(false)
  })
})

describe('a leg is stalled', () => {
  test('when it has read nothing for long, and not before', () => {
    const { send, flush, answer, wait, stalled } = leg()
    send(70_000)
    flush()
    answer()
    wait(1e6)
    expect(stalled()).toBe(false)
    send(80_000)
    flush()
    wait(20_000)
    // The patience, and as long again as a very slow link takes for what waits.
    expect(stalled()).toBe(false)
    wait(10_000)
    expect(stalled()).toBe(true)
  })

  test('not while it reads, however slowly', () => {
    const { send, flush, answer, marks, wait, stalled } = leg()
    send(70_000)
    flush()
    answer()
    for (let at = 0; at < 20; at++) send(10_000)
    for (const mark of marks.slice(1)) {
      wait(19_000)
      expect(stalled()).toBe(false)
      answer(mark)
    }
  })

  test('not for one large message that takes its time', () => {
    const { send, flush, answer, wait, stalled } = leg()
    send(70_000)
    flush()
    answer()
    send(2_500_000)
    flush()
    wait(100_000)
    expect(stalled()).toBe(false)
  })
})
