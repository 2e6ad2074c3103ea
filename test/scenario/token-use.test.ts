import { describe, expect, it } from 'vitest'
import { livesocketV1, type Protocol } from '../../src/index.js'
import { HOUR, MINUTE, SECOND, signedInWorld } from './signed-in.js'

/** livesocket.v1 without its `auth`: a server that takes a credential at hello only. */
function withoutAuth(): Protocol {
  const whole = livesocketV1()
  return { ...whole, inBandAuth: false, open: (line) => whole.open(line) }
}

const tokensOf = (said: readonly { text: string; leg: number }[]) =>
  said.map(({ text, leg }) => {
    const { type, token } = JSON.parse(text) as { type: string; token: string }
    return `${type} ${token} on leg ${leg}`
  })

describe('a fresh token', () => {
  it('goes to the server on the live leg, and stays on the hello of every later leg', async () => {
    const { sim, issue, page, spoken } = signedInWorld()
    const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }))
    await one.live()
    await sim.advance(9 * MINUTE)
    expect(tokensOf(spoken())).toEqual(['hello token-1 on leg 1', 'auth token-2 on leg 1'])
    sim.crash()
    sim.restart()
    await sim.advance(5 * SECOND)
    expect(tokensOf(spoken())).toEqual(['hello token-1 on leg 1', 'auth token-2 on leg 1', 'hello token-2 on leg 2'])
    expect(one.calls).toHaveLength(2)
    one.socket.close()
  })

  it('causes a handover to a leg that has it in its hello, if the protocol has no auth frame: nothing is lost, and the client stays live', async () => {
    const { sim, issue, page, spoken } = signedInWorld()
    const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }), { protocol: withoutAuth() })
    const reasons: string[] = []
    one.socket.on('handover-started', ({ reason }) => reasons.push(reason))
    await one.live()
    const stop = sim.publishEvery(SECOND, 'room')
    await sim.advance(30 * MINUTE)
    stop()
    await sim.advance(SECOND)
    expect(one.calls.length).toBeGreaterThanOrEqual(4)
    expect(tokensOf(spoken())).toEqual(one.calls.map((_, place) => `hello token-${place + 1} on leg ${place + 1}`))
    expect(reasons).toEqual(one.calls.slice(1).map(() => 'token'))
    expect(one.socket.stats().handovers).toBe(one.calls.length - 1)
    expect([one.statuses, one.room.problems(), one.room.gaps]).toEqual([[], [], []])
    one.socket.close()
  })

  it.each(['in band', 'by a handover'] as const)(
    'that arrives while a new leg waits for its welcome still reaches the server: %s',
    async (way) => {
      const { sim, issue, page, spoken } = signedInWorld()
      const one = page(
        () => ({ token: issue(), ttl: 10 * MINUTE }),
        way === 'in band' ? {} : { protocol: withoutAuth() },
      )
      await one.live()
      // The answer to the hello is under way until the next token is there.
      const due = one.state().token.refreshAt! - sim.clock.now()
      await sim.advance(due - 3 * SECOND)
      sim.delay({ down: 4 * SECOND })
      void one.socket.handover().catch(() => {})
      await sim.advance(5 * SECOND)
      expect([one.calls.length, one.state().leg?.number]).toEqual([2, 1])
      sim.delay(10)
      await sim.advance(MINUTE)
      const last = one.state().leg!.number
      expect(last).toBeGreaterThan(1)
      expect(tokensOf(spoken()).at(-1)).toBe(
        way === 'in band' ? `auth token-2 on leg ${last}` : `hello token-2 on leg ${last}`,
      )
      expect(one.statuses).toEqual([])
      one.socket.close()
    },
  )

  it('is not fetched again and again for a leg that is refused during a handover: the client stays live with the one that it has', async () => {
    const { sim, issue, page } = signedInWorld()
    const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }))
    await one.live()
    sim.deploy({ door: 'unauthorized', deadline: 20 * SECOND })
    await sim.advance(15 * SECOND)
    expect(one.calls.length).toBeLessThanOrEqual(2)
    expect([one.statuses, one.ended]).toEqual([[], []])
    one.socket.close()
  })
})

describe('signOut()', () => {
  it('stops every use of the token, and connect() begins a new session with a new one', async () => {
    const { sim, issue, page, spoken } = signedInWorld()
    const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }))
    await one.live()
    const session = sim.wire[0]!.session
    one.socket.signOut()
    const said = sim.wire.length
    await sim.advance(HOUR)
    expect(spoken(said)).toEqual([])
    one.socket.connect()
    await sim.advance(SECOND)
    expect(one.state()).toMatchObject({ status: 'live', token: { status: 'valid' } })
    expect(tokensOf(spoken(said))).toEqual(['hello token-2 on leg 1'])
    expect(sim.wire.at(-1)!.session).not.toBe(session)
    one.socket.close()
  })
})
