import type { WireData } from '../protocol/protocol.js'

/** The object in this text. Null for anything else, so that a preset never fails on data that it does not know. */
export function objectIn(data: WireData): Record<string, unknown> | null {
  if (typeof data !== 'string') return null
  try {
    const value: unknown = JSON.parse(data)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object in that field; an empty object if there is none. */
export function section(value: Record<string, unknown>, name: string): Record<string, unknown> {
  const part = value[name]
  return isObject(part) ? part : {}
}

/** The known fields of a request to hand over, each only if it has the right type. */
export function handoverIn(value: Record<string, unknown>): {
  url?: string
  reason?: string
  spread?: number
  deadline?: number
  id?: string
} {
  const text = (name: string) => (typeof value[name] === 'string' ? (value[name] as string) : undefined)
  const number = (name: string) =>
    Number.isSafeInteger(value[name]) && (value[name] as number) >= 0 ? (value[name] as number) : undefined
  return {
    id: text('id'),
    url: text('url'),
    reason: text('reason'),
    spread: number('spread'),
    deadline: number('deadline'),
  }
}
