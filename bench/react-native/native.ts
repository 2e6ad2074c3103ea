import { createContext, type Context } from 'node:vm'
import { WebSocket } from 'ws'

export type Platform = 'ios' | 'android'

/** The native part of an app: the globals of the engine, and the modules below React Native's classes. */
export interface Native {
  /** The context in which the app runs: of Node it has only what this file provides. */
  readonly context: Context
  /** The system takes the open connections: no data passes in either direction, and the app gets no event. */
  silence(): void
  /** The system's event about the app's state. */
  appState(state: 'active' | 'inactive' | 'background'): void
  /** The number of connections that the system holds. */
  readonly sockets: number
}

/**
 * Behaves like `WebSocketModule.kt` and `RCTWebSocketModule.mm` in the React Native package. The two differ in a close
 * before the connection is open: Android does not know the connection yet, does nothing, and reports it when it opens.
 */
class WebSocketModule {
  readonly open = new Map<number, WebSocket>()
  readonly #dialling = new Map<number, WebSocket>()
  readonly #silent = new Set<WebSocket>()
  readonly #platform: Platform
  readonly #tell: (name: string, event: object) => void

  constructor(platform: Platform, tell: (name: string, event: object) => void) {
    this.#platform = platform
    this.#tell = tell
  }

  addListener() {}
  removeListeners() {}

  connect(url: string, protocols: string[] | null, { headers }: { headers: Record<string, string> }, id: number) {
    const origin = new URL(url.replace(/^ws/, 'http')).origin
    const ws = new WebSocket(url, protocols ?? [], { headers: { origin, ...headers } })
    this.#dialling.set(id, ws)
    const tell = (name: string, event: object) => {
      if (!this.#silent.has(ws)) this.#tell(name, { id, ...event })
    }
    ws.on('open', () => {
      this.#dialling.delete(id)
      this.open.set(id, ws)
      tell('websocketOpen', { protocol: ws.protocol })
    })
    ws.on('message', (data: Buffer, binary: boolean) => {
      const how = binary ? { type: 'binary', data: data.toString('base64') } : { type: 'text', data: data.toString() }
      tell('websocketMessage', how)
    })
    let trouble = 'Software caused connection abort'
    ws.on('error', ({ message }) => void (trouble = message))
    ws.on('close', (code, reason) => {
      this.open.delete(id)
      this.#dialling.delete(id)
      if (code === 1006) tell('websocketFailed', { message: trouble })
      else tell('websocketClosed', { code, reason: reason.toString() || (this.#platform === 'ios' ? null : '') })
    })
  }

  send(data: string, id: number) {
    const ws = this.open.get(id)
    if (ws && !this.#silent.has(ws)) ws.send(data)
  }

  sendBinary(data: string, id: number) {
    this.open.get(id)?.send(Buffer.from(data, 'base64'))
  }

  ping() {}

  close(code: number, reason: string, id: number) {
    const dialling = this.#dialling.get(id)
    if (this.#platform === 'ios') dialling?.terminate()
    const ws = this.open.get(id)
    // The close handshake of a silent connection never completes, so it is terminated.
    if (ws && this.#silent.delete(ws)) ws.terminate()
    else ws?.close(code, reason)
    this.open.delete(id)
  }

  silence() {
    for (const ws of this.open.values()) this.#silent.add(ws)
  }

  get size() {
    return this.open.size + this.#dialling.size
  }
}

export function createNative(platform: Platform, host: object): Native {
  const tell = (name: string, event: object) =>
    (
      context as { __rctDeviceEventEmitter?: { emit(name: string, event: object): void } }
    ).__rctDeviceEventEmitter?.emit(name, event)
  const webSockets = new WebSocketModule(platform, tell)
  let state = 'active'
  const version = { major: 0, minor: 88, patch: 1, prerelease: null }
  const modules: Record<string, object> = {
    WebSocketModule: webSockets,
    AppState: {
      addListener() {},
      removeListeners() {},
      getConstants: () => ({ initialAppState: state }),
      getCurrentAppState: (told: (now: object) => void) => setTimeout(told, 0, { app_state: state }),
    },
    PlatformConstants: {
      getConstants: () => ({
        isTesting: true,
        reactNativeVersion: version,
        osVersion: '18',
        Version: 35,
        systemName: 'iOS',
      }),
    },
    NativePerformanceCxx: { now: () => performance.now() },
    NativeMicrotasksCxx: { queueMicrotask },
    // All feature flags have their default.
    NativeReactNativeFeatureFlagsCxx: {},
    ExceptionsManager: {
      reportException: ({ message }: { message: string }) => void process.stderr.write(`the app: ${message}\n`),
    },
    SourceCode: { getConstants: () => ({ scriptURL: '' }) },
    DeviceInfo: { getConstants: () => ({ Dimensions: {} }), addListener() {}, removeListeners() {} },
  }
  // The globals that Hermes and React Native's C++ runtime give every app.
  const context = createContext({
    ...{ console, setTimeout, clearTimeout, setInterval, clearInterval, TextEncoder, TextDecoder, atob, btoa },
    requestAnimationFrame: (task: (now: number) => void) => setTimeout(() => task(performance.now()), 16),
    cancelAnimationFrame: clearTimeout,
    nativePerformanceNow: () => performance.now(),
    RN$Bridgeless: true,
    RN$registerCallableModule() {},
    __turboModuleProxy: (name: string) => modules[name] ?? null,
    nativeModuleProxy: {},
    host,
  })
  return {
    context,
    silence: () => webSockets.silence(),
    appState(next) {
      state = next
      tell('appStateDidChange', { app_state: next })
    },
    get sockets() {
      return webSockets.size
    },
  }
}
