import { describe, expect, it, vi } from 'vitest'
import { Deadlines } from '../../src/base/deadlines.js'
import { ProtocolLeg, type LegEnd, type LegSettings } from '../../src/legs/protocol-leg.js'
import type { ServerFrame } from '../../src/protocol/frames.js'
import { livesocketV1 } from '../../src/topics/livesocket-v1.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { fakeWebSockets } from '../kit/fake-socket.js'

/** What a test changes about its leg. */
interface LegOptions {
  readonly heartbeat?: LegSettings['heartbeat']
  readonly token?: () => Promise<string>
  readonly url?: () => Promise<string>
}

class HeardLeg extends ProtocolLeg {
  readonly heard: ServerFrame[] = []
  readonly ends: LegEnd[] = []
  readonly invalid = vi.fn()
  readonly silent = vi.fn()
  readonly bearer: () => Promise<string>
  readonly address: () => Promise<string>

  constructor(settings: LegSettings, { token, url }: LegOptions) {
    super(settings, 10_000)
    this.bearer = token ?? (async () => 'a token')
    this.address = url ?? (async () => 'wss://a.test/live?key=secret')
    this.dial(10_000)
  }

  hello() {
    return { type: 'hello', session: 's', leg: 3, token: this.token, topics: new Map() } as const
  }

  arrived() {}

  frame(frame: ServerFrame) {
    this.heard.push(frame)
  }

  ended(end: LegEnd) {
    this.ends.push(end)
  }
}

async function dialled(options: LegOptions = {}, clock = createSimulatedClock(), deadlines = new Deadlines(clock)) {
  const { WebSocket, sockets } = fakeWebSockets()
  const heartbeat = options.heartbeat ?? { interval: 10_000, timeout: 5_000 }
  const leg = new HeardLeg({ clock: deadlines, protocol: livesocketV1(), WebSocket, heartbeat }, options)
  await clock.flush()
  const said = () =>
    sockets.flatMap(({ sent }) => sent.map((text) => (JSON.parse(text as string) as { type: string }).type))
  const says = (frame: object) => sockets[0]!.message(JSON.stringify(frame))
  return { clock, leg, sockets, heard: leg.heard, ends: leg.ends, said, says }
}

type Dialled = Awaited<ReturnType<typeof dialled>>

function welcome({ sockets, says }: Dialled, fields: object = {}) {
  sockets[0]!.open('livesocket.v1')
  says({ type: 'welcome', server: 'a', topics: {}, ...fields })
}

describe('a leg, from its dial to its end', () => {
  it('fetches its token and its URL, sends only its hello before the welcome, and is ready with that', async () => {
    const leg = await dialled()
    expect(leg.sockets.map(({ url, protocols }) => [url, protocols])).toEqual([
      ['wss://a.test/live?key=secret', ['livesocket.v1']],
    ])
    expect(leg.leg.send({ type: 'ping' })).toBe(false)
    leg.sockets[0]!.open('livesocket.v1')
    expect(leg.sockets[0]!.sent.map((text) => JSON.parse(text as string) as object)).toEqual([
      { type: 'hello', session: 's', leg: 3, token: 'a token', topics: {} },
    ])
    expect(leg.leg.welcome).toBe(null)
    leg.says({ type: 'welcome', server: 'a', topics: {} })
    expect(leg.leg.welcome).toMatchObject({ server: 'a' })
    expect(leg.leg.url).toBe('wss://a.test/live')
    expect(leg.ends).toEqual([])
  })

  it.each<[string, LegOptions]>([
    ['the token cannot be had', { token: () => Promise.reject(new Error('why')) }],
    ['the URL cannot be had', { url: () => Promise.reject(new Error('why')) }],
  ])('fails if %s', async (_, options) => {
    const { ends, sockets } = await dialled(options)
    expect(ends).toEqual([{ code: 1006, reason: 'why', opened: false, error: undefined }])
    expect(sockets).toEqual([])
  })

  it.each<[string, LegOptions, (leg: Dialled) => void, string]>([
    ['the URL never comes', { url: () => new Promise(() => {}) }, () => {}, 'no connection in time'],
    ['the dial hangs', {}, () => {}, 'no connection in time'],
    ['it opens and is never welcomed', {}, ({ sockets }) => sockets[0]!.open('livesocket.v1'), 'no welcome in time'],
  ])('client rule 3: fails after connectTimeout if %s, and leaves no socket', async (_, options, act, reason) => {
    const leg = await dialled(options)
    act(leg)
    await leg.clock.advance(9_999)
    expect(leg.ends).toEqual([])
    await leg.clock.advance(1)
    expect(leg.ends).toMatchObject([{ code: 1006, reason }])
    expect(leg.sockets.every(({ readyState }) => readyState >= 2)).toBe(true)
    expect(leg.clock.pending).toBe(0)
  })

  it('client rule 9: keeps the deadline of its dial even if no timer runs', async () => {
    const clock = createSimulatedClock()
    const deadlines = new Deadlines(clock)
    const { ends } = await dialled({}, clock, deadlines)
    clock.sleep(9_000)
    deadlines.ringDue()
    expect(ends).toEqual([])
    clock.sleep(1_000)
    deadlines.ringDue()
    expect(ends).toHaveLength(1)
  })

  it('whose dial is shortened has at most that time, and a second shortening does not lengthen it', async () => {
    const { clock, leg, ends } = await dialled()
    leg.shortenDial(2_000)
    await clock.advance(1_000)
    leg.shortenDial(2_000)
    await clock.advance(999)
    expect(ends).toEqual([])
    await clock.advance(1)
    expect(ends).toHaveLength(1)
  })

  it('that is welcomed has no deadline any more', async () => {
    const leg = await dialled({ heartbeat: false })
    leg.leg.shortenDial(2_000)
    welcome(leg)
    leg.leg.shortenDial(2_000)
    await leg.clock.advance(60_000)
    expect(leg.ends).toEqual([])
  })

  it('sends a ping after an interval without frames, and is silent without an answer, until any frame arrives', async () => {
    const leg = await dialled()
    welcome(leg)
    await leg.clock.advance(10_000)
    expect(leg.said()).toEqual(['hello', 'ping'])
    await leg.clock.advance(5_000)
    expect(leg.leg.silent).toHaveBeenCalledTimes(1)
    expect(leg.leg.silentSince).not.toBeNull()
    leg.says({ type: 'a frame of a later version' })
    expect(leg.leg.silentSince).toBeNull()
  })

  it('that is probed is silent after the timeout of the probe', async () => {
    const leg = await dialled()
    welcome(leg)
    leg.leg.probe(2_000)
    await leg.clock.advance(2_000)
    expect(leg.leg.silent).toHaveBeenCalledTimes(1)
  })

  it('that answers a probe at the same moment as an earlier frame is not silent', async () => {
    const leg = await dialled()
    welcome(leg)
    leg.says({ type: 'pong' })
    leg.leg.probe(2_000)
    leg.says({ type: 'pong' })
    await leg.clock.advance(2_000)
    expect(leg.leg.silent).not.toHaveBeenCalled()
  })

  it('with heartbeat: false is never suspect, not even when it is probed, and still sends the pings that its server wants', async () => {
    const leg = await dialled({ heartbeat: false })
    welcome(leg, { heartbeat: 20_000 })
    leg.leg.probe(2_000)
    await leg.clock.advance(61_000)
    expect(leg.leg.silent).not.toHaveBeenCalled()
    expect(leg.said()).toEqual(['hello', 'ping', 'ping', 'ping'])
  })

  it.each(['draining', 'session-ended', 'busy'])(
    'ends a second after the server announced "%s" if no close follows',
    async (code) => {
      const leg = await dialled()
      welcome(leg)
      leg.says({ type: 'error', code, message: 'so long' })
      await leg.clock.advance(1_000)
      expect(leg.ends).toMatchObject([{ code: 1006, error: { code } }])
    },
  )

  it('goes on after an error with an unknown code if no close follows', async () => {
    const leg = await dialled({ heartbeat: false })
    welcome(leg)
    leg.says({ type: 'error', code: 'future', message: 'whatever that is' })
    await leg.clock.advance(5_000)
    expect(leg.ends).toEqual([])
  })

  it('goes on after an error about one topic', async () => {
    const leg = await dialled({ heartbeat: false })
    welcome(leg)
    leg.says({ type: 'error', code: 'forbidden', message: 'not yours', topic: 'secrets' })
    await leg.clock.advance(5_000)
    expect(leg.ends).toEqual([])
  })

  it('is welcomed once', async () => {
    const leg = await dialled()
    welcome(leg)
    leg.says({ type: 'welcome', server: 'b', topics: {} })
    expect(leg.leg.invalid).toHaveBeenCalledTimes(1)
    expect(leg.leg.welcome).toMatchObject({ server: 'a' })
  })

  it.each(['while its token is fetched', 'while it dials', 'when it is open', 'when it is welcomed'] as const)(
    'client rule 1: closed %s, it reports nothing more',
    async (when) => {
      let give = (_token: string) => {}
      const token =
        when === 'while its token is fetched'
          ? () => new Promise<string>((resolve) => void (give = resolve))
          : undefined
      const leg = await dialled(token ? { token } : {})
      if (when === 'when it is open') leg.sockets[0]!.open('livesocket.v1')
      if (when === 'when it is welcomed') welcome(leg)
      const before = leg.heard.length
      leg.leg.close(4000, 'bye')
      give('a token')
      await leg.clock.advance(60_000)
      if (leg.sockets[0]) {
        expect(leg.sockets[0].closes).toMatchObject([{ code: 4000, reason: 'bye' }])
        leg.sockets[0].open('livesocket.v1')
        leg.says({ type: 'message', topic: 't', offset: 1, data: 1 })
        leg.sockets[0].end(1006)
      }
      expect(leg.sockets).toHaveLength(token ? 0 : 1)
      expect([leg.heard.length, leg.ends]).toEqual([before, []])
      expect(leg.clock.pending).toBe(0)
    },
  )

  it('reports its end once, with the close code and the error frame of the server', async () => {
    const leg = await dialled()
    welcome(leg)
    leg.says({ type: 'error', code: 'too-slow', message: 'read faster' })
    leg.sockets[0]!.end(4002, 'too-slow')
    leg.sockets[0]!.end(1006)
    expect(leg.ends).toMatchObject([{ code: 4002, reason: 'too-slow', opened: true, error: { code: 'too-slow' } }])
  })
})
