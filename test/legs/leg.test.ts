import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLeg, type LegDeath, type LegDeps } from '../../src/legs/leg.js'
import { fakeWebSockets, type FakeSocket } from '../kit/fake-socket.js'

// reconnecting-websocket uses the global timers, so these tests fake the global timers.
beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** Runs the zero timer that the library waits for before it dials. */
const dialled = () => vi.advanceTimersByTimeAsync(0)
const A_MONTH = 31 * 24 * 3600_000

function startLeg(deps: Partial<LegDeps> = {}) {
  const fake = fakeWebSockets()
  const heard: unknown[] = []
  const leg = createLeg(
    { url: 'wss://example.test/live', subprotocols: [], WebSocket: fake.WebSocket, ...deps },
    {
      opened: () => heard.push('opened'),
      received: (data) => heard.push(data),
      died: (death) => heard.push(death),
    },
  )
  return { leg, heard, sockets: fake.sockets }
}

async function openLeg(deps: Partial<LegDeps> = {}) {
  const started = startLeg(deps)
  await dialled()
  const socket = started.sockets[0]!
  socket.open(deps.subprotocols?.[0])
  started.heard.length = 0
  return { ...started, socket }
}

const failedDial: LegDeath = { code: 1006, reason: '', opened: false }
const lost: LegDeath = { code: 1006, reason: '', opened: true }

describe('a leg', () => {
  it('dials the URL once, offers the subprotocols, and reports that it opened', async () => {
    const { heard, sockets } = startLeg({ subprotocols: ['livesocket.v1'] })
    expect(heard).toEqual([])
    await dialled()
    expect(sockets.map(({ url, protocols }) => ({ url, protocols }))).toEqual([
      { url: 'wss://example.test/live', protocols: ['livesocket.v1'] },
    ])
    sockets[0]!.open('livesocket.v1')
    expect(heard).toEqual(['opened'])
  })

  it('passes on text and binary data in the order of arrival, binary as ArrayBuffer', async () => {
    const { heard, socket } = await openLeg()
    const bytes = new Uint8Array([1, 2]).buffer
    socket.message('one')
    socket.message(bytes)
    expect(heard).toEqual(['one', bytes])
    expect(socket.binaryType).toBe('arraybuffer')
  })

  it('sends only while the socket is open, and returns false otherwise', async () => {
    const { leg, sockets } = startLeg()
    expect(leg.send('too early')).toBe(false)
    await dialled()
    expect(leg.send('too early')).toBe(false)
    sockets[0]!.open()
    expect(leg.send('now')).toBe(true)
    sockets[0]!.readyState = 2
    expect(leg.send('too late')).toBe(false)
    sockets[0]!.end(1001)
    expect(leg.send('too late')).toBe(false)
    expect(sockets[0]!.sent).toEqual(['now'])
  })

  it('returns false when the socket throws at a send', async () => {
    const { leg, socket } = await openLeg()
    Object.assign(socket, {
      send: () => {
        throw new Error('no')
      },
    })
    expect(leg.send('x')).toBe(false)
  })

  it.each([
    [1000, 'bye'],
    [1012, ''],
    [4401, 'token'],
    [1005, ''],
  ])('passes on the code %i and the reason of a server that closes', async (code, reason) => {
    const { heard, socket } = await openLeg()
    socket.end(code, reason)
    expect(heard).toEqual([{ code, reason, opened: true }])
  })

  it('treats a close event without a code as a lost connection', async () => {
    const { heard, socket } = await openLeg()
    socket.end()
    expect(heard).toEqual([lost])
  })

  it('dies when the server selects none of the subprotocols that were offered, and closes that socket', async () => {
    const { heard, sockets } = startLeg({ subprotocols: ['livesocket.v1'] })
    await dialled()
    sockets[0]!.open('')
    sockets[0]!.message('x')
    expect(heard).toEqual([
      { code: 1002, reason: 'the server did not select the subprotocol livesocket.v1', opened: false },
    ])
    expect(sockets[0]!.closes).toHaveLength(1)
  })

  it('accepts any subprotocol if it offered none', async () => {
    const { heard, sockets } = startLeg()
    await dialled()
    sockets[0]!.open('whatever')
    expect(sockets[0]!.protocols).toBeUndefined()
    expect(heard).toEqual(['opened'])
  })

  it('dies without a WebSocket class, and says what to pass', async () => {
    vi.stubGlobal('WebSocket', undefined)
    const { heard } = startLeg({ WebSocket: undefined })
    expect(heard).toEqual([])
    await dialled()
    expect(heard).toEqual([{ ...failedDial, code: 0, reason: expect.stringContaining('environment.WebSocket') }])
  })

  it('uses the global WebSocket class of the moment', async () => {
    const fake = fakeWebSockets()
    vi.stubGlobal('WebSocket', fake.WebSocket)
    startLeg({ WebSocket: undefined })
    await dialled()
    expect(fake.sockets).toHaveLength(1)
  })
})

describe('after close() a leg', () => {
  it.each(['open', 'message', 'end', 'error'] as const)('reports nothing of a late %s', async (event) => {
    const { leg, heard, sockets } = startLeg()
    await dialled()
    if (event !== 'open') sockets[0]!.open()
    heard.length = 0
    leg.close()
    if (event === 'open') sockets[0]!.open()
    else if (event === 'message') sockets[0]!.message('late')
    else if (event === 'end') sockets[0]!.end(1000)
    else sockets[0]!.error()
    await vi.advanceTimersByTimeAsync(A_MONTH)
    expect(heard).toEqual([])
    expect(leg.send('x')).toBe(false)
  })

  it('may be closed again, and closes its socket once', async () => {
    const { leg, socket } = await openLeg()
    leg.close(1000, 'moved')
    leg.close(4000)
    expect(socket.closes).toEqual([{ code: 1000, reason: 'moved' }])
  })

  it('closes a socket that opens although its dial was given up, as on Android in React Native', async () => {
    const { leg, sockets, heard } = startLeg()
    await dialled()
    leg.close()
    sockets[0]!.open()
    expect([sockets[0]!.closes.length, heard]).toEqual([2, []])
  })

  it('closes nothing if it had died before', async () => {
    const { leg, socket } = await openLeg()
    socket.end(1001)
    leg.close()
    expect(socket.closes).toEqual([])
  })

  it('keeps no timer', async () => {
    const { leg, socket } = await openLeg()
    leg.close()
    socket.end(1000)
    expect(vi.getTimerCount()).toBe(0)
  })

  const smile = '😀'
  it.each([
    { ask: [], sent: { code: 1000, reason: '' } },
    { ask: [4001, 'bye'], sent: { code: 4001, reason: 'bye' } },
    { ask: [3000], sent: { code: 3000, reason: '' } },
    { ask: [1001], sent: { code: 1000, reason: '' } },
    { ask: [5000], sent: { code: 1000, reason: '' } },
    { ask: [NaN], sent: { code: 1000, reason: '' } },
    { ask: [3000.5], sent: { code: 1000, reason: '' } },
    { ask: [1000, 'x'.repeat(200)], sent: { code: 1000, reason: 'x'.repeat(123) } },
    { ask: [1000, smile.repeat(31)], sent: { code: 1000, reason: smile.repeat(30) } },
  ] as { ask: [number?, string?]; sent: object }[])(
    'has sent a code and a reason that the socket accepts: $ask',
    async ({ ask, sent }) => {
      const { leg, socket } = await openLeg()
      leg.close(...ask)
      expect(socket.closes).toEqual([sent])
    },
  )

  it('is gone even if the socket throws at close', async () => {
    const { leg, heard, socket } = await openLeg()
    Object.assign(socket, {
      close: () => {
        throw new Error('no')
      },
    })
    expect(() => leg.close()).not.toThrow()
    socket.message('late')
    expect(heard).toEqual([])
  })
})

describe('a handler that throws', () => {
  it('does not break the leg: it goes on, dies once, and nothing follows', async () => {
    const fake = fakeWebSockets()
    const heard: string[] = []
    const failing = (name: string) => () => {
      heard.push(name)
      throw new Error(name)
    }
    const handlers = { opened: failing('opened'), received: failing('received'), died: failing('died') }
    const leg = createLeg({ url: 'wss://example.test', subprotocols: [], WebSocket: fake.WebSocket }, handlers)
    await dialled()
    const socket = fake.sockets[0]!
    socket.open()
    socket.message('x')
    expect(leg.send('y')).toBe(true)
    socket.end(1012)
    socket.error()
    expect(heard).toEqual(['opened', 'received', 'died'])
    expect(socket.thrown).toHaveLength(3)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('traps of reconnecting-websocket 4.4', () => {
  it('it retries for ever, with a delay drawn once per page: a leg makes one socket, however it ends', async () => {
    const ends = [
      (socket: FakeSocket) => socket.end(1006),
      (socket: FakeSocket) => (socket.open(), socket.end(1012)),
      (socket: FakeSocket) => (socket.error(), socket.end(1006)),
    ]
    for (const end of ends) {
      const { sockets } = startLeg()
      await dialled()
      end(sockets[0]!)
      await vi.advanceTimersByTimeAsync(A_MONTH)
      expect(sockets).toHaveLength(1)
    }
  })

  it('it resets its retries after 5 s: a leg that lived long makes one socket, too', async () => {
    const { sockets, socket } = await openLeg()
    await vi.advanceTimersByTimeAsync(60_000)
    socket.end(1006)
    await vi.advanceTimersByTimeAsync(A_MONTH)
    expect(sockets).toHaveLength(1)
  })

  it('it makes its socket a task later: no handler is called before createLeg has returned', async () => {
    const { sockets } = startLeg()
    expect(sockets).toHaveLength(0)
    await dialled()
    expect(sockets).toHaveLength(1)
  })

  it('it reports nothing when closed before that, and stays "connecting": the leg is gone, and leaves no socket', async () => {
    const { leg, heard, sockets } = startLeg()
    leg.close()
    expect(leg.send('x')).toBe(false)
    await vi.advanceTimersByTimeAsync(A_MONTH)
    expect({ heard, sockets }).toEqual({ heard: [], sockets: [] })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('it cannot dial again once it was closed early: the next leg is a new one, and dials', async () => {
    startLeg().leg.close()
    const { sockets } = startLeg()
    await dialled()
    expect(sockets).toHaveLength(1)
  })

  it('it treats an infinite timeout as 1 ms: a leg sets no limit of its own, even if a dial hangs for weeks', async () => {
    const { heard, sockets } = startLeg()
    await vi.advanceTimersByTimeAsync(24 * 24 * 3600_000)
    expect(heard).toEqual([])
    sockets[0]!.open()
    expect(heard).toEqual(['opened'])
  })

  it('it queues without bound what is sent too early, and sends it later: a leg never does', async () => {
    const { leg, sockets } = startLeg()
    for (let i = 0; i < 100; i++) leg.send('early')
    await dialled()
    sockets[0]!.open()
    expect(sockets[0]!.sent).toEqual([])
  })

  it('it turns an error on an open socket into close 1000: the leg dies with 1006', async () => {
    const { heard, socket } = await openLeg()
    socket.error()
    socket.end(1006)
    expect(heard).toEqual([lost])
  })

  it('it turns a failed dial into close 1000 and then an error: the leg dies once, as a failed dial', async () => {
    const { heard, sockets } = startLeg()
    await dialled()
    sockets[0]!.error()
    sockets[0]!.end(1006)
    expect(heard).toEqual([failedDial])
  })

  it('a socket reports its error again when it is closed for it, as in Node: the leg dies once', async () => {
    const { heard, sockets } = startLeg()
    await dialled()
    const socket = sockets[0]!
    const close = socket.close.bind(socket)
    Object.assign(socket, {
      close(code?: number, reason?: string) {
        close(code, reason)
        socket.error()
      },
    })
    socket.error()
    expect(heard).toEqual([failedDial])
    expect(socket.thrown).toEqual([])
    expect(socket.closes).toHaveLength(1)
  })

  it.each([1000, 1006, 4401])(
    'it passes on a close %i before the open: the leg treats any as a failed dial',
    async (code) => {
      const { heard, sockets } = startLeg()
      await dialled()
      sockets[0]!.end(code, 'bye')
      expect(heard).toEqual([failedDial])
    },
  )

  it('it reports no close if closing the failed socket throws: the leg dies all the same', async () => {
    const { heard, socket } = await openLeg()
    Object.assign(socket, {
      close: () => {
        throw new Error('no')
      },
    })
    socket.error()
    expect(heard).toEqual([lost])
  })

  it('it stops listening to a socket after its error: a second error does not end the process', async () => {
    const { heard, socket } = await openLeg()
    socket.error()
    socket.message('late')
    socket.error()
    socket.end(1000)
    expect(heard).toEqual([lost])
    expect(socket.heardBy).toContain('error')
    expect(socket.thrown).toEqual([])
  })

  it.each([
    [
      'a bad URL',
      () => {
        throw new DOMException("The URL 'wss://u:secret@h' is invalid.", 'SyntaxError')
      },
      'SyntaxError',
    ],
    [
      'mixed content',
      () => {
        throw new DOMException('secret', 'SecurityError')
      },
      'SecurityError',
    ],
    [
      'nonsense',
      () => {
        throw 'secret'
      },
      'an exception',
    ],
    [
      'null',
      () => {
        throw null
      },
      'an exception',
    ],
  ])(
    'it loses an exception of the constructor (%s) in a promise: the leg dies of it, later and without its text',
    async (_, explode, name) => {
      const WebSocket = class {
        constructor() {
          explode()
        }
      }
      const { heard } = startLeg({ WebSocket })
      expect(heard).toEqual([])
      await dialled()
      expect(heard).toEqual([
        { ...failedDial, code: 0, reason: `the WebSocket constructor refused the URL or the subprotocols (${name})` },
      ])
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  it('it throws at once without a WebSocket class: creating a leg does not throw', () => {
    expect(() => startLeg({ WebSocket: {} })).not.toThrow()
  })

  it('it leaves its timers behind when a socket fails: a dead leg keeps none', async () => {
    for (const end of ['error', 'end'] as const) {
      const { socket } = await openLeg()
      socket[end](1006)
      expect(vi.getTimerCount()).toBe(0)
    }
  })

  it('it asks for Blobs, whose contents arrive out of order: binaryType is arraybuffer before and after the open', async () => {
    const { sockets } = startLeg()
    await dialled()
    expect(sockets[0]!.binaryType).toBe('arraybuffer')
    sockets[0]!.open()
    expect(sockets[0]!.binaryType).toBe('arraybuffer')
  })
})
