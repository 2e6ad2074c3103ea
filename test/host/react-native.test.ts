import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLiveSocket } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { afterEach, expect, it, vi } from 'vitest'
import type { Page } from '../../src/host/page.js'
import { PoorURL } from '../kit/poor-url.js'
import { ROOT } from '../kit/source-files.js'

afterEach(() => vi.unstubAllGlobals())

type State = 'active' | 'inactive' | 'background'

/** React Native's AppState, as documented. */
function appStates() {
  const listeners = new Set<(state: State) => void>()
  return {
    listeners,
    AppState: {
      currentState: 'active' as State,
      addEventListener(_type: 'change', listener: (state: State) => void) {
        listeners.add(listener)
        return { remove: () => void listeners.delete(listener) }
      },
    },
    turn(this: { AppState: { currentState: State } }, state: State) {
      this.AppState.currentState = state
      for (const listener of listeners) listener(state)
    },
  }
}

/** The first sample of docs/react-native.md, run with that AppState. */
function appPage(AppState: object): Page {
  const [, code] = /^```js\n([\s\S]*?)^```/m.exec(readFileSync(join(ROOT, 'docs/react-native.md'), 'utf8'))!
  const body = code!.replace(/^import .*\n/m, '').replace('export const appPage =', 'return')
  return new Function('AppState', body)(AppState) as Page
}

it('works without the globals that React Native lacks, and probes its connection at once when the app comes back', async () => {
  const missing = ['EventTarget', 'document', 'location', 'addEventListener', 'BroadcastChannel', 'reportError']
  for (const name of missing) vi.stubGlobal(name, undefined)
  vi.stubGlobal('URL', PoorURL)
  const app = appStates()
  const world = createSimulation()
  const environment = { ...world.environment, page: appPage(app.AppState) }
  const socket = createLiveSocket({ url: world.url, environment })
  const heard: unknown[] = []
  socket.subscribe('chat', (data) => void heard.push(data))
  socket.connect()
  await world.advance(1_000)
  world.publish('chat', 1)
  await world.advance(1_000)
  const pings = () => world.wire.filter(({ by, text }) => by === 'client' && text.includes('"ping"')).length

  app.turn('inactive')
  app.turn('background')
  await world.advance(5_000)
  world.publish('chat', 2)
  expect(pings()).toBe(0)
  app.turn('active')
  await world.advance(100)
  expect(pings()).toBe(1)
  expect([socket.store.getState().status, heard]).toEqual(['live', [1, 2]])
  socket.close()
  expect(app.listeners.size).toBe(0)
})
