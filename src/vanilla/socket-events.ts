/** Node 20 has no CloseEvent; the one that the platform has is what `instanceof` in an application knows. */
export function closeEvent(init: { code: number; reason: string; wasClean: boolean }): CloseEvent {
  if (typeof globalThis.CloseEvent === 'function') return new globalThis.CloseEvent('close', init)
  return Object.defineProperties(new Event('close'), describe(init)) as CloseEvent
}

export function errorEvent(message: string, error?: unknown): Event {
  return Object.defineProperties(new Event('error'), describe({ message, error }))
}

/** `data` as a WebSocket would give it: text, or bytes of the wanted kind; what a protocol has parsed goes back to JSON. */
export function messageEvent(data: unknown, binaryType: BinaryType, url: string): MessageEvent {
  const origin = url === '' ? '' : new URL(url).origin
  if (data instanceof ArrayBuffer) return new MessageEvent('message', { data: binaryType === 'blob' ? new Blob([data]) : data, origin })
  return new MessageEvent('message', { data: typeof data === 'string' ? data : JSON.stringify(data), origin })
}

function describe(fields: object): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { value, enumerable: true }]))
}
