import { createContext, type Context } from 'node:vm'
import { WebSocket } from 'ws'

export type Platform = 'ios' | 'android'

/** What is native in an app: the engine's own globals, and the modules below React Native's classes. */
export interface Native {
  /** Where the app runs: nothing of Node is in it but what stands here. */
  readonly context: Context
  /** The system takes the connections that are open: nothing of them comes or goes, and nobody is told. */
  silence(): void
  /** The system's word of the app's life. */
  appState(state: 'active' | 'inactive' | 'background'): void
  /** Connections that the system holds. */
  readonly sockets: number
}

/**
 * As `WebSocketModule.kt` and `RCTWebSocketModule.mm` in the package of React Native have it. They differ in a close
 * before the connection is open: Android knows no connection by then and does nothing, and tells of it when it opens.
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
    // One that hears nothing any more ends by itself, after a while.
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
    // All of them as they are by default.
    NativeReactNativeFeatureFlagsCxx: {},
    ExceptionsManager: {
      reportException: ({ message }: { message: string }) => void process.stderr.write(`the app: ${message}\n`),
    },
    SourceCode: { getConstants: () => ({ scriptURL: '' }) },
    DeviceInfo: { getConstants: () => ({ Dimensions: {} }), addListener() {}, removeListeners() {} },
  }
  // What Hermes, and React Native's runtime in C++, give every app.
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
