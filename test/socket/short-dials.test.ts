// @vitest-environment happy-dom
import { createLiveSocket, type LiveSocketOptions } from 'livesocket'
import { LiveWebSocket } from 'livesocket/vanilla'
import { createSimulation } from 'livesocket/testing'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

const { url, environment } = createSimulation()
/** A page as it is, but for what would go over the network. */
const page = { url, environment: { clock: environment.clock!, WebSocket: environment.WebSocket } }
const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
beforeEach(() => void warned.mockClear())
afterEach(() => void vi.unstubAllGlobals())

function connectWith(options: Partial<LiveSocketOptions>) {
  const socket = createLiveSocket({ ...page, ...options })
  socket.connect()
  socket.close()
}

const said = expect.stringMatching(/^livesocket: connectTimeout is 999 ms\. Chromium delays the dials/) as string

it('a page is warned of a connectTimeout within which no dial opens once a browser delays them, as it connects', () => {
  connectWith({ connectTimeout: 999 })
  expect(warned.mock.calls).toEqual([[said]])
  new LiveWebSocket(url, [], { connectionTimeout: 999, environment: page.environment }).close()
  expect(warned.mock.calls).toEqual([[said], [said]])
})

it.each<[string, () => void]>([
  ['that is long enough', () => connectWith({ connectTimeout: 1_000 })],
  ['by default', () => connectWith({})],
  ['where warnings are switched off', () => connectWith({ connectTimeout: 999, debug: false })],
  ['in a simulation', () => connectWith({ connectTimeout: 999, environment })],
  [
    'in Node',
    () => {
      vi.stubGlobal('location', undefined)
      connectWith({ connectTimeout: 999 })
    },
  ],
])('none is warned of one %s', (_, connect) => {
  connect()
  expect(warned).not.toHaveBeenCalled()
})
