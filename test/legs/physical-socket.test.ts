import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { PHYSICAL, physicalSocket } from '../../src/legs/physical-socket.js'
import { serverSide } from '../vanilla/stage.js'

afterEach(() => vi.unstubAllGlobals())

it('the WebSocket class of a leg is the given one, or the current one of the platform', () => {
  vi.stubGlobal('WebSocket', WebSocket)
  class Other {}
  expect([physicalSocket(Other), physicalSocket()]).toEqual([Other, WebSocket])
})

it.each(['LiveWebSocket itself', 'a class made with options', 'as the class that it is given'])(
  'a LiveWebSocket dials once even if it has replaced the platform’s WebSocket: %s',
  async (which) => {
    vi.stubGlobal('WebSocket', WebSocket)
    vi.resetModules()
    const { LiveWebSocket } = await import('../../src/vanilla/live-web-socket.js')
    const Ours = which === 'a class made with options' ? LiveWebSocket.with({ once: true }) : LiveWebSocket
    vi.stubGlobal('WebSocket', Ours)
    const { url, sockets } = await serverSide()
    const socket =
      which === 'as the class that it is given'
        ? new LiveWebSocket(url, [], { WebSocket: Ours })
        : new globalThis.WebSocket(url)
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    expect([sockets.length, physicalSocket()]).toEqual([1, WebSocket])
    socket.close()
  },
)

it('there is no class to dial with if LiveWebSocket was installed on a platform without WebSocket', () => {
  class Wrapper {
    static get [PHYSICAL]() {
      return undefined
    }
  }
  vi.stubGlobal('WebSocket', Wrapper)
  expect(physicalSocket()).toBe(undefined)
})
