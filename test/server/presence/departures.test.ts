import { expect, onTestFinished, test } from 'vitest'
import { memoryLog } from '../../../src/server/index.js'
import { createAnnouncer } from '../../../src/server/presence/announcer.js'
import { Departures } from '../../../src/server/presence/departures.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'

const GRACE = 5_000

test.each([
  ['looked for members that have left', (_: Departures) => undefined],
  ['heard that a session is over', (departures: Departures) => departures.left('s')],
])(
  'when a server dies right after it has %s, another one announces the departure within three seconds',
  async (_, ask) => {
    const clock = createSimulatedClock()
    const log = memoryLog({ clock })
    const attendance = log.attendance!
    await log.admit('s', 1)
    await attendance.change('hall', 10, () => ({ set: [{ session: 's', row: '["user","s"]' }], gone: [] }))
    await log.release('s', 1)
    await clock.advance(GRACE)

    const announcer = createAnnouncer({ attendance, clock, maxTopics: 10 })
    const onError = (error: unknown) => expect.unreachable(String(error))
    const deps = { attendance, clock, grace: GRACE, onError }
    const dies = new Departures({
      ...deps,
      announcer: { announce: () => new Promise(() => undefined), close: () => undefined },
    })
    ask(dies)
    await clock.advance(1_000)
    dies.close()
    const other = new Departures({ ...deps, announcer })
    onTestFinished(() => {
      other.close()
      announcer.close()
    })
    await clock.advance(3_000)
    expect((await attendance.list('hall')).rows).toEqual([])
  },
)
