import { inspect } from 'node:util'
import { vi } from 'vitest'
import { WebSocket } from 'ws'
import { EVENT_TYPES } from '../../src/devtools/event-types.js'
import { createRecorder } from '../../src/devtools/recorder.js'
import type { LiveSocket } from '../../src/index.js'

/** Collects everything that anyone can read of a live socket, a server or the console during a test. */
export interface Witness {
  /** Collects everything that applications and tools see of this socket from now on. */
  watch(socket: LiveSocket): void
  /** Adds one more value that was printed, thrown or shown. */
  heard(what: string, value: unknown): void
  /** A WebSocket class that records what is dialled. */
  readonly WebSocket: typeof WebSocket
  /** Every place where `secret` appears. */
  findings(secret: string): string[]
  /** How many values were collected, by kind. */
  readonly counts: Readonly<Record<string, number>>
}

export function createWitness(): Witness {
  const texts: { what: string; text: string }[] = []
  const counts: Record<string, number> = {}
  const looks: (() => void)[] = []
  const heard = (what: string, value: unknown) => {
    counts[what] = (counts[what] ?? 0) + 1
    texts.push({ what, text: everyText(value) })
  }
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir'] as const) {
    vi.spyOn(console, method).mockImplementation((...line: unknown[]) => heard(`console.${method}`, line))
  }
  class Told extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      heard('dial', [String(url), protocols])
      super(url, protocols)
    }
  }
  return {
    heard,
    WebSocket: Told as typeof WebSocket,
    watch(socket) {
      const recorder = createRecorder(socket)
      for (const type of EVENT_TYPES) socket.on(type, (event) => heard(type, event))
      socket.store.subscribe((state, previous) => heard('state', [state, previous]))
      looks.push(() => {
        heard('the socket', [
          socket,
          String(socket),
          Object.prototype.toString.call(socket),
          Object.keys(socket),
          inspect(socket.store, { showHidden: true, depth: 20 }),
        ])
        heard('stats', socket.stats())
        heard('state', [socket.store.getState(), socket.store.getInitialState()])
        heard('devtools', [recorder.recording(), recorder.events, recorder.legs, recorder.arrivals])
        recorder.stop()
      })
    },
    findings(secret) {
      for (const look of looks.splice(0)) look()
      return texts
        .filter(({ text }) => text.includes(secret))
        .map(
          ({ what, text }) =>
            `${what}: ${text.slice(Math.max(0, text.indexOf(secret) - 120), text.indexOf(secret) + secret.length + 40)}`,
        )
    },
    counts,
  }
}

/** The value as text, in every way in which people print values. */
function everyText(value: unknown): string {
  const parts = [
    inspect(value, { showHidden: true, depth: 20, maxStringLength: null, maxArrayLength: null, getters: true }),
  ]
  try {
    parts.push(JSON.stringify(value) ?? '')
  } catch {
    // A circular value has no JSON.
  }
  for (const error of errorsIn(value))
    parts.push(String(error), error.message, error.stack ?? '', inspect(error.cause, { depth: 20 }))
  return parts.join('\n')
}

function errorsIn(value: unknown): Error[] {
  if (value instanceof Error) return [value, ...errorsIn(value.cause)]
  return typeof value === 'object' && value !== null
    ? Object.values(value).flatMap((part: unknown) => (part instanceof Error ? errorsIn(part) : []))
    : []
}
