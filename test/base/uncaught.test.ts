import { createLiveSocket, type LiveSocket } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

let reported: unknown[]
beforeEach(() => {
  reported = []
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

async function world(prepare: (socket: LiveSocket) => void) {
  const sim = createSimulation({ seed: 1 })
  const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
  const seen: unknown[] = []
  prepare(socket)
  socket.subscribe('a', (data) => void seen.push(data))
  socket.connect()
  await sim.advance(1_000)
  for (const data of [1, 2]) sim.publish('a', data)
  await sim.advance(1_000)
  socket.close()
  return seen
}

const bug = (where: string) => () => {
  throw new TypeError(`a bug in a ${where}`)
}
const BUGS: readonly [where: string, (socket: LiveSocket) => void][] = [
  ['handler', (socket) => void socket.subscribe('a', bug('handler'))],
  ['reducer', (socket) => void socket.fold('a', bug('reducer'), 0).subscribe(() => undefined)],
  ['listener of a fold', (socket) => void socket.fold('a', (sum) => sum + 1, 0).subscribe(bug('listener of a fold'))],
  ['listener of the store', (socket) => void socket.store.subscribe(bug('listener of the store'))],
  ['listener of an event', (socket) => void socket.on('leg-ready', bug('listener of an event'))],
]

describe('an error that the application throws while nothing listens to `error`', () => {
  it.each(BUGS)('in a %s reaches reportError as it was thrown, and no message is lost', async (where, prepare) => {
    vi.stubGlobal('reportError', (thrown: unknown) => void reported.push(thrown))
    expect(await world(prepare)).toEqual([1, 2])
    expect(reported.length).toBeGreaterThan(0)
    for (const thrown of reported) expect(thrown).toMatchObject({ name: 'TypeError', message: `a bug in a ${where}` })
  })

  it('reaches the console where there is no reportError', async () => {
    vi.stubGlobal('reportError', undefined)
    vi.spyOn(console, 'error').mockImplementation((thrown) => void reported.push(thrown))
    await world(BUGS[0]![1])
    expect(reported.map(String)).toEqual(['TypeError: a bug in a handler', 'TypeError: a bug in a handler'])
  })

  it('goes only to the `error` listener if there is one; what that listener throws is uncaught', async () => {
    vi.stubGlobal('reportError', (thrown: unknown) => void reported.push(thrown))
    const heard: unknown[] = []
    await world((socket) => {
      BUGS[0]![1](socket)
      socket.on('error', ({ error }) => void heard.push(error.cause))
    })
    expect([heard.length, reported]).toEqual([2, []])
    await world((socket) => {
      BUGS[0]![1](socket)
      socket.on('error', bug('listener of errors'))
    })
    expect(reported.map(String)).toEqual([
      'TypeError: a bug in a listener of errors',
      'TypeError: a bug in a listener of errors',
    ])
  })

  it('does no harm if reportError throws, too', async () => {
    vi.stubGlobal('reportError', bug('reporter'))
    expect(await world(BUGS[0]![1])).toEqual([1, 2])
  })
})
