// An app as Metro bundles it, behind React Native's own start. It has React Native's globals and classes and those of
// the engine; the native modules are provided by native.ts. Each promise is tried and reported as a line.
import { AppState, Platform } from 'react-native'
import { createElement, useEffect } from 'react'
import { create } from 'react-test-renderer'
import { createLiveSocket } from 'livesocket'
import { LiveSocketProvider, useLiveLog, useLiveStatus } from 'livesocket/react'
import { LiveWebSocket } from 'livesocket/vanilla'
import RCTDeviceEventEmitter from 'react-native/Libraries/EventEmitter/RCTDeviceEventEmitter'
import { appPage } from './app-page'

const { host } = globalThis
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const EVENTS = ['websocketOpen', 'websocketMessage', 'websocketClosed', 'websocketFailed', 'appStateDidChange']
// AppState listens from its first use on.
void AppState.currentState
const listeners = () => EVENTS.map((name) => RCTDeviceEventEmitter.listenerCount(name)).join(' ')

function same(seen, wanted) {
  const [left, right] = [seen, wanted].map((value) => JSON.stringify(value))
  if (left !== right) throw new Error(`${left}, where ${right} is right`)
}

async function until(what, holds, longest = 10_000) {
  for (const end = Date.now() + longest; !holds(); await sleep(5))
    if (Date.now() > end) throw new Error(`not within ${longest} ms: ${what}`)
}

/** A client of the server, what it heard, and how often it was not live any more. */
function client(options = {}) {
  const socket = createLiveSocket({ url: host.url, reconnect: { spread: 300 }, ...options })
  const saw = { heard: [], gaps: 0, notLive: 0 }
  socket.on('gap', () => saw.gaps++)
  let live = false
  socket.store.subscribe(({ status }) => {
    if (live && status !== 'live') saw.notLive++
    live = status === 'live'
  })
  socket.subscribe('news', (n) => saw.heard.push(n))
  socket.connect()
  return { socket, saw, live: () => until('live', () => socket.store.getState().status === 'live') }
}
const numbers = (upTo) => Array.from({ length: upTo }, (_, at) => at + 1)

const promises = {
  async 'WebSocket URLs are accepted, also with a query and a port; relative ones and other schemes are refused by name'() {
    const refused = (url) => {
      try {
        createLiveSocket({ url })
        return null
      } catch (error) {
        return error.code ?? String(error)
      }
    }
    const urls = [
      'wss://example.com',
      'wss://example.com/live?a=b',
      'ws://10.0.2.2:8080/live',
      'https://example.com/live',
    ]
    same(urls.map(refused), [null, null, null, null])
    same(['ftp://example.com/live', 'nonsense'].map(refused), ['invalid', 'invalid'])
    const { socket } = client({ url: '/live' })
    await until('an error', () => socket.store.getState().lastError !== null)
    same(socket.store.getState().lastError.code, 'unreachable')
    socket.close()
  },

  async 'publishes arrive once and in order, and are answered'() {
    const { socket, saw, live } = client()
    await live()
    await host.publish(3)
    const { offset } = await socket.publish('up', { hello: 'naïve ☃' })
    same(typeof offset, 'number')
    await until('three arrive', () => saw.heard.length === 3)
    socket.close()
    same(saw.heard, numbers(3))
  },

  async 'while a server is replaced ten times, nothing is lost or repeated, and the client stays live'() {
    const { socket, saw, live } = client()
    await live()
    const sent = await host.moves(10)
    await until('all arrive', () => saw.heard.length >= sent)
    const { handovers, reconnects } = socket.stats()
    same([saw.heard.join() === numbers(sent).join(), saw.gaps, saw.notLive, handovers, reconnects], [true, 0, 0, 10, 0])
    socket.close()
  },

  async 'the client follows a server to another URL if its origin is listed, and otherwise refuses'() {
    const reasons = []
    for (const listed of [true, false]) {
      const { socket, live } = client(
        listed ? { handover: { redirectOrigins: [new host.URL(host.other).origin] } } : {},
      )
      socket.on('redirect-refused', ({ reason }) => reasons.push(reason))
      await live()
      const at = await host.sendElsewhere()
      same(at, listed ? 'other' : 'here')
      socket.close()
    }
    same(reasons.length, 1)
  },

  async 'a connection that the system took in the background is noticed when the app returns, and missed messages arrive'() {
    const { socket, saw, live } = client({ environment: { page: appPage } })
    await live()
    await host.publish(1)
    await until('one arrives', () => saw.heard.length === 1)
    host.appState('inactive')
    host.appState('background')
    host.silence()
    await host.publish(2, 1)
    await sleep(200)
    same([AppState.currentState, saw.heard.length], ['background', 1])
    const began = Date.now()
    host.appState('active')
    await until('all arrive', () => saw.heard.length === 3)
    const took = Date.now() - began
    socket.close()
    same([saw.heard, saw.gaps], [numbers(3), 0])
    return `${took} ms`
  },

  async 'an app that holds no connection in the background closes it at once, and resumes where it stopped'() {
    const kept = {
      ...appPage,
      subscribe: (listener) =>
        appPage.subscribe((event) => listener(event === 'shown' ? 'restored' : event === 'hidden' ? 'stored' : event)),
    }
    const { socket, saw, live } = client({ environment: { page: kept } })
    await live()
    await host.publish(1)
    await until('one arrives', () => saw.heard.length === 1)
    host.appState('background')
    await until('the server holds none', () => host.legs() === 0, 1_000)
    await host.publish(2, 1)
    host.appState('active')
    await until('all arrive', () => saw.heard.length === 3)
    socket.close()
    same([saw.heard, saw.gaps], [numbers(3), 0])
  },

  async 'without a server the client reports unreachable, and is live once a server listens'() {
    const { socket, live } = client({ url: host.later })
    await until('an error', () => socket.store.getState().lastError !== null)
    same(socket.store.getState().lastError.code, 'unreachable')
    await host.listenLater()
    await live()
    socket.close()
  },

  async 'a dial that hangs is given up in time, and a closed dial leaves nothing behind'() {
    const { socket } = client({ url: host.hung, connectTimeout: 300 })
    await until('an error', () => socket.store.getState().lastError !== null)
    same(socket.store.getState().lastError.code, 'unreachable')
    socket.close()
    await until('the server has no connection', () => host.legs() === 0, 3_000)
  },

  async 'after a killed connection the client comes back, and missed messages arrive'() {
    const { socket, saw, live } = client()
    await live()
    await host.publish(1)
    await until('one arrives', () => saw.heard.length === 1)
    host.kill()
    await until('it is noticed', () => saw.notLive === 1)
    same(socket.store.getState().lastError.code, 'lost')
    await host.publish(2, 1)
    await live()
    await until('all arrive', () => saw.heard.length === 3)
    socket.close()
    same([saw.heard, saw.gaps], [numbers(3), 0])
  },

  async 'a token that the server refuses ends the session, and one that it accepts does not'() {
    const given = []
    const getToken = async ({ reason, signal }) => {
      given.push([reason, signal.aborted])
      return { token: 'right', ttl: 600_000 }
    }
    const { socket, live } = client({ getToken })
    await live()
    same(given, [['first', false]])
    socket.close()
    const other = client({ getToken: async () => ({ token: 'wrong', ttl: 600_000 }) })
    await until('the end', () => other.socket.store.getState().status === 'closed')
    same(other.socket.store.getState().lastError.code, 'unauthorized')
  },

  async 'LiveWebSocket is a WebSocket: texts and bytes come back unchanged, and bufferedAmount is a number'() {
    const ws = new LiveWebSocket(host.echo)
    const told = []
    for (const type of ['open', 'message', 'error', 'close']) ws.addEventListener(type, (event) => told.push(event))
    await until('open', () => ws.readyState === 1)
    ws.send('a text')
    ws.send(new Uint8Array([1, 2, 255]))
    ws.send(new Uint8Array([3, 4]).buffer)
    same(typeof ws.bufferedAmount, 'number')
    same(Number.isNaN(ws.bufferedAmount), false)
    await until('three come back', () => told.length === 4)
    const data = told
      .slice(1)
      .map((event) => (typeof event.data === 'string' ? event.data : [...new Uint8Array(event.data)]))
    same(data, ['a text', [1, 2, 255], [3, 4]])
    ws.close(4001, 'enough')
    await until('close', () => told.length === 5)
    const { type, code, reason } = told.at(-1)
    same([type, code, reason, ws.readyState], ['close', 4001, 'enough', 3])
  },

  async 'hooks show the status and the messages'() {
    let shown = null
    function News() {
      const [status, log] = [useLiveStatus(), useLiveLog('news')]
      useEffect(() => void (shown = [status, ...log.map(({ data }) => data)]))
      return null
    }
    const socket = createLiveSocket({ url: host.url })
    const root = create(createElement(LiveSocketProvider, { socket }, createElement(News)))
    socket.connect()
    await until('live', () => shown?.[0] === 'live')
    await host.publish(2)
    await until('both are shown', () => shown.length === 3)
    same(shown, ['live', 1, 2])
    root.unmount()
    socket.close()
  },
}

async function run() {
  const has = (name) => typeof globalThis[name] !== 'undefined'
  const names = [
    'EventTarget',
    'Event',
    'MessageEvent',
    'CloseEvent',
    'document',
    'location',
    'addEventListener',
    'DOMException',
    'BroadcastChannel',
    'reportError',
    'crypto',
    'structuredClone',
  ]
  host.told({ platform: Platform.OS, has: names.filter(has), lacks: names.filter((name) => !has(name)) })
  const before = listeners()
  for (const [promise, holds] of Object.entries(promises)) {
    await host.begin()
    try {
      const more = await holds()
      host.told({ promise, holds: true, more })
    } catch (error) {
      host.told({ promise, holds: false, more: String(error?.stack ?? error) })
    }
  }
  await host.begin()
  await until('no listener is left', () => listeners() === before, 2_000).then(
    () =>
      host.told({
        promise: 'no native listener and no connection is left',
        holds: host.sockets() === 0,
        more: `${host.sockets()} sockets`,
      }),
    (error) =>
      host.told({
        promise: 'no native listener is left',
        holds: false,
        more: `${listeners()}, before ${before}`,
      }),
  )
  host.done()
}
run()
