import { describe, expect, it, vi } from 'vitest'
import { tell } from '../scenario/story.js'

describe('url', () => {
  it('as a function is called at every dial, with the number of failed attempts', async () => {
    const attempts: number[] = []
    const { sim, live, end } = tell({ reconnectSpread: 0 }, (sim) => ({
      url: ({ attempt }) => (attempts.push(attempt), sim.url),
    }))
    await live()
    sim.crash()
    await sim.advance(8_000)
    expect(attempts.length).toBeGreaterThan(2)
    expect(attempts).toEqual(attempts.map((_, at) => at))
    end()
  })

  it.each<[string, () => unknown, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('secret')
      },
      /url function threw/,
    ],
    ['rejects', () => Promise.reject(new Error('secret')), /url function threw/],
    ['gives nothing', () => undefined, /url must be/],
    ['gives an address that is none', () => 'ftp://files.test', /url must be/],
    ['gives one with a password', () => 'wss://me:secret@live.test', /url must be/],
  ])(
    'as a function that %s fails that dial with an error that contains no secret, and is called again',
    async (_, wrong, message) => {
      let right = false
      const { sim, socket, told, end } = tell({}, (sim) => ({
        reconnect: { spread: 0 },
        url: () => (right ? sim.url : (wrong() as string)),
      }))
      socket.connect()
      await sim.advance(50)
      const [{ error } = { error: undefined }] = told('error') as unknown as { error?: Error }[]
      expect(error).toMatchObject({ code: 'invalid' })
      expect(error!.message).toMatch(message)
      expect(error!.message).not.toContain('secret')
      right = true
      await sim.advance(5_000)
      expect(socket.store.getState().status).toBe('live')
      end()
    },
  )

  it('as a function that never answers is given up after connectTimeout, and its signal is aborted', async () => {
    const signals: AbortSignal[] = []
    const { sim, socket, end } = tell({}, () => ({
      connectTimeout: 1_000,
      reconnect: { spread: 0 },
      url: ({ signal }) => (signals.push(signal), new Promise<string>(() => {})),
    }))
    socket.connect()
    await sim.advance(1_100)
    expect(signals[0]!.aborted).toBe(true)
    await sim.advance(2_000)
    expect(signals.length).toBeGreaterThan(1)
    socket.close()
    expect(signals.at(-1)!.aborted).toBe(true)
    end()
  })
})

describe('what a close means', () => {
  it.each<[string, unknown]>([
    ['throws', new Error('no')],
    ['returns what means nothing', 'maybe'],
  ])('an onClose that %s causes an error event, and the table of close codes decides', async (_, answer) => {
    const onClose = vi.fn(() => {
      if (answer instanceof Error) throw answer
      return answer as 'retry'
    })
    const { sim, live, statuses, told, end } = tell({ reconnectSpread: 0 }, () => ({ onClose }))
    await live()
    sim.crash()
    sim.restart()
    await sim.advance(2_000)
    expect(onClose).toHaveBeenCalledWith({ code: 1006, reason: '' })
    expect(told('error')).toMatchObject([
      { error: { code: 'invalid', message: expect.stringContaining('onClose') as string } },
    ])
    expect(statuses).toEqual(['reconnecting', 'live'])
    end()
  })

  it('onClose can stop the client where the table of close codes would reconnect', async () => {
    const { sim, socket, live, end } = tell({}, () => ({ onClose: () => 'stop' }))
    await live()
    sim.crash()
    await sim.advance(100)
    expect(socket.store.getState()).toMatchObject({ status: 'closed', closed: { by: 'app', code: 1006 } })
    end()
  })
})

describe('handover()', () => {
  it('resolves when the old leg is gone, and the live socket is live throughout', async () => {
    const { sim, socket, live, statuses, end } = tell({ servers: 2 })
    await live()
    const moved = socket.handover()
    expect(socket.store.getState().handover).toMatchObject({ reason: 'application', phase: 'dialling' })
    await sim.advance(1_000)
    await moved
    expect(sim.servers.reduce((sum, { legs }) => sum + legs, 0)).toBe(1)
    expect(statuses).toEqual([])
    end()
  })

  it('rejects if no other leg can be had in 30 s, and the active leg stays', async () => {
    const { sim, socket, live, statuses, end } = tell()
    await live()
    sim.refuse('refuses')
    const moved = socket.handover().catch((error: unknown) => error)
    await sim.advance(31_000)
    expect(await moved).toMatchObject({ code: 'timeout' })
    expect(socket.store.getState()).toMatchObject({ status: 'live', handover: null, leg: { number: 1 } })
    expect(statuses).toEqual([])
    end()
  })

  it('ends the wait of a reconnection, and resolves when the client is live', async () => {
    const { sim, socket, live, end } = tell({ reconnectSpread: 100_000 })
    await live()
    sim.crash()
    await sim.advance(100)
    sim.restart()
    const moved = socket.handover()
    await sim.advance(1_500)
    await moved
    expect(socket.store.getState().status).toBe('live')
    end()
  })

  it('waits for as long as there is no server, and rejects as closed when the session ends', async () => {
    const { sim, socket, end } = tell()
    sim.crash()
    socket.connect()
    let settled: unknown
    socket.handover().then(
      () => (settled = 'resolved'),
      (error: unknown) => (settled = error),
    )
    await sim.advance(600_000)
    expect([settled, socket.store.getState().status]).toEqual([undefined, 'connecting'])
    socket.signOut()
    await sim.advance(0)
    expect(settled).toMatchObject({ code: 'closed' })
    end()
  })

  it.each(['before connect()', 'after close()', 'and closed meanwhile'])('is rejected as closed %s', async (when) => {
    const { sim, socket, live, end } = tell()
    if (when !== 'before connect()') await live()
    if (when === 'after close()') socket.close()
    const moved = socket.handover().catch((error: unknown) => error)
    if (when === 'and closed meanwhile') socket.close()
    await sim.advance(10)
    expect(await moved).toMatchObject({ code: 'closed' })
    end()
  })
})

it('the public state shows each phase of a handover: waiting, dialling, overlapping, then none', async () => {
  const { sim, socket, live, end } = tell()
  await live()
  const phases: (string | null)[] = [null]
  socket.store.subscribe(({ handover }) => {
    if (phases.at(-1) !== (handover?.phase ?? null)) phases.push(handover?.phase ?? null)
  })
  const from = sim.clock.now()
  // Publishes without an answer keep the old leg for a moment.
  sim.servers[0]!.acks = false
  const published = socket.publish('room', 1)
  sim.deploy({ spread: 2_000, deadline: 20_000, reason: 'deploy' })
  await sim.advance(20)
  const { handover } = socket.store.getState()
  expect(handover).toMatchObject({ reason: 'deploy', phase: 'waiting' })
  expect(Math.abs(handover!.deadline - from - 20_000)).toBeLessThan(20)
  await sim.advance(5_000)
  await published
  expect(phases).toEqual([null, 'waiting', 'dialling', 'overlapping', null])
  end()
})

it('the public state shows the number and the time of the next dial while the client waits for it', async () => {
  const { sim, socket, live, end } = tell({ reconnectSpread: 10_000 })
  await live()
  sim.crash()
  await sim.advance(20)
  const { retry } = socket.store.getState()
  expect(retry!.attempt).toBe(1)
  await sim.advance(retry!.at - sim.clock.now() - 1)
  const dials = sim.dials.length
  await sim.advance(12)
  expect(sim.dials.length).toBe(dials + 1)
  end()
})

it('events and state never contain the query of a URL', async () => {
  const { sim, socket, told, end } = tell({}, (sim) => ({ url: `${sim.url}?key=secret` }))
  socket.connect()
  await sim.advance(200)
  sim.deploy()
  await sim.advance(2_000)
  expect(
    JSON.stringify([told('leg-open', 'leg-ready', 'leg-closed', 'leg-dialling'), socket.store.getState()]),
  ).not.toContain('secret')
  end()
})
