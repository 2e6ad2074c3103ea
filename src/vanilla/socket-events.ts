/**
 * Node 20 has no CloseEvent. The class is looked up at each use: an application's `instanceof` refers to the present
 * one.
 */
export function closeEvent(init: { code: number; reason: string; wasClean: boolean }): CloseEvent {
  return make('CloseEvent', 'close', init) as CloseEvent
}

export function errorEvent(message: string, error?: unknown): Event {
  return Object.defineProperties(make('Event', 'error'), describe({ message, error }))
}

export function openEvent(): Event {
  return make('Event', 'open')
}

/**
 * `data` as a WebSocket would deliver it: text, or bytes of the wanted kind. Data that a protocol has parsed becomes
 * JSON again. React Native makes no Blob of bytes, and its own sockets deliver bytes by default.
 */
export function messageData(data: unknown, binaryType: BinaryType): unknown {
  if (typeof data === 'string') return data
  if (!(data instanceof ArrayBuffer)) return JSON.stringify(data)
  return binaryType === 'blob' && 'arrayBuffer' in Blob.prototype ? new Blob([data]) : data
}

/** An event of the platform's class; without that class, an event with the same fields. */
function make(name: 'Event' | 'CloseEvent', type: string, init: object = {}): Event {
  const Class = globalThis[name] as (new (type: string, init?: object) => Event) | undefined
  if (typeof Class === 'function') return new Class(type, init)
  const bare =
    typeof globalThis.Event === 'function'
      ? new Event(type)
      : ({ type, defaultPrevented: false, preventDefault() {}, stopPropagation() {}, timeStamp: 0 } as unknown as Event)
  return Object.defineProperties(bare, describe(init))
}

function describe(fields: object): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { value, enumerable: true }]))
}
