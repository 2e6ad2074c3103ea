import { createLiveSocket } from 'livesocket'
import { mountDevtools } from 'livesocket/devtools'
import { createSimulation } from 'livesocket/testing'
import { createRoot } from 'react-dom/client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { cdp } from 'vitest/browser'
import { LegTimeline } from '../../stories/kit/leg-timeline.js'

const session = cdp() as unknown as { send(method: string, given: object): Promise<unknown> }
const wantsMotion = (value: 'reduce' | 'no-preference') =>
  session.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-reduced-motion', value }] })
const painted = vi.spyOn(CanvasRenderingContext2D.prototype, 'clearRect')

const undo: (() => void)[] = []
afterEach(async () => {
  undo.splice(0).forEach((task) => task())
  await wantsMotion('no-preference')
})

const place = () => document.body.appendChild(document.createElement('div'))

const PAINTERS = {
  'the timeline of a story'() {
    const root = createRoot(place())
    root.render(
      <LegTimeline label="legs" picture={() => ({ now: performance.now(), span: 1_000, legs: [], arrivals: [] })} />,
    )
    return () => root.unmount()
  },
  'the devtools'() {
    const { url, environment } = createSimulation()
    return mountDevtools(createLiveSocket({ url, environment }), place()).unmount
  },
}

/** How often it paints in that many frames, and how long these took, ms. */
async function watch(frames: number) {
  painted.mockClear()
  const from = performance.now()
  for (let frame = 0; frame < frames; frame++) await new Promise(requestAnimationFrame)
  return { paints: painted.mock.calls.length, took: performance.now() - from }
}

describe.each(Object.entries(PAINTERS))('%s', (_, mount) => {
  it('is painted at every frame, and only once a second as soon as the user prefers reduced motion', async () => {
    undo.push(mount())
    await vi.waitUntil(() => painted.mock.calls.length > 0)
    expect((await watch(20)).paints).toBeGreaterThan(15)
    await wantsMotion('reduce')
    const { paints, took } = await watch(60)
    expect(paints).toBeLessThanOrEqual(1 + took / 1_000)
  })
})
