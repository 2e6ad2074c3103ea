// @vitest-environment happy-dom
import { createLiveSocket, type LiveSocketEvents } from 'livesocket'
import { createLiveHooks, useLiveSocket } from 'livesocket/react'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { act } from '../kit/react-act.js'
import { createStage } from './stage.js'

interface Topics {
  prices: { symbol: string; at: Date }
}
interface Inputs {
  prices: { symbol: string; at: string }
}
const { useLiveValue, useLiveLog, usePublish } = createLiveHooks<Topics, Inputs>()

/** The same topic in each library: text on the wire, a date for the application. */
const LIBRARIES = {
  zod: { prices: z.object({ symbol: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }) },
  valibot: {
    prices: v.object({
      symbol: v.string(),
      at: v.pipe(
        v.string(),
        v.isoTimestamp(),
        v.transform((text) => new Date(text)),
      ),
    }),
  },
}

const MORNING = '2030-01-01T08:00:00.000Z'

describe.each(Object.entries(LIBRARIES))('topics with schemas of %s', (_, schemas) => {
  it('give components the output of the schema; data that the schema refuses is an event, and no component breaks', async () => {
    const stage = createStage()
    const socket = createLiveSocket({ ...stage.options, schemas })
    const invalid: LiveSocketEvents['invalid'][] = []
    socket.on('invalid', (event) => void invalid.push(event))
    const Prices = () => {
      const last = useLiveValue('prices', { socket })
      const all = useLiveLog('prices', { socket })
      return <output>{last ? `${last.symbol} at ${last.at.getUTCHours()}, ${all.length} in all` : 'none'}</output>
    }
    const { container } = stage.render(<Prices />)
    act(() => socket.connect())
    await stage.advance(500)
    for (const bad of [{ symbol: 'ACME' }, { symbol: 1, at: MORNING }, null, 'text']) await stage.publish('prices', bad)
    expect(container.textContent).toBe('none')
    await stage.publish('prices', { symbol: 'ACME', at: MORNING })
    expect(container.textContent).toBe('ACME at 8, 1 in all')
    expect(invalid).toEqual(
      Array.from({ length: 4 }, () => ({ topic: 'prices', reason: expect.any(String) as string })),
    )
    expect(socket.store.getState().status).toBe('live')
    act(() => socket.close())
  })

  it('refuse invalid data in `error` instead of throwing, and send valid data unchanged', async () => {
    const stage = createStage()
    let publish!: ReturnType<typeof usePublish<'prices'>>['publish']
    const Sender = () => {
      const socket = useLiveSocket({ ...stage.options, schemas })
      const publishing = usePublish('prices', { socket })
      publish = publishing.publish
      return <output>{publishing.error?.code ?? 'fine'}</output>
    }
    const { container } = stage.render(<Sender />)
    await stage.advance(500)
    await act(async () => void publish({ symbol: 'ACME', at: 'tomorrow' }))
    expect(container.textContent).toBe('invalid')
    await act(async () => void publish({ symbol: 'ACME', at: MORNING }))
    await stage.advance(500)
    expect(container.textContent).toBe('fine')
    expect(stage.simulation.published.map(({ data }) => data)).toEqual([{ symbol: 'ACME', at: MORNING }])
  })
})
