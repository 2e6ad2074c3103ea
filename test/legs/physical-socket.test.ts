import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { PHYSICAL, physicalSocket } from '../../src/legs/physical-socket.js'
import { serverSide } from '../vanilla/stage.js'

afterEach(() => vi.unstubAllGlobals())

it('is the class that is given, or the platform’s of this moment', () => {
  vi.stubGlobal('WebSocket', WebSocket)
  class Other {}
  expect([physicalSocket(Other), physicalSocket()]).toEqual([Other, WebSocket])
})

it.each(['LiveWebSocket itself', 'a class made with options', 'as the class that it is given'])(
  'dials once where the application has put ours in the platform’s place: %s',
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

it('has nothing to dial with where ours came to a platform that has no sockets', () => {
  class Wrapper {
    static get [PHYSICAL]() {
      return undefined
    }
  }
  vi.stubGlobal('WebSocket', Wrapper)
  expect(physicalSocket()).toBe(undefined)
})
