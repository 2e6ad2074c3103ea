/** Node 20 has no CloseEvent; the one that the platform has by now is what `instanceof` in an application knows. */
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
 * `data` as a WebSocket would give it: text, or bytes of the wanted kind; what a protocol has parsed goes back to JSON.
 * React Native makes no Blob of bytes, and its own sockets give bytes where nobody has said what is wanted.
 */
export function messageData(data: unknown, binaryType: BinaryType): unknown {
  if (typeof data === 'string') return data
  if (!(data instanceof ArrayBuffer)) return JSON.stringify(data)
  return binaryType === 'blob' && 'arrayBuffer' in Blob.prototype ? new Blob([data]) : data
}

/** Of the platform's class, or, where it has none, an event with what ours bear. */
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
