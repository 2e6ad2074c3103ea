import { LiveSocketError } from './errors.js'

export function invalid(message: string): LiveSocketError {
  return new LiveSocketError('invalid', message)
}

/** Text from outside, quoted on one line: nothing in it can end the line or control a terminal. */
export function quoted(text: string): string {
  return escaped(JSON.stringify(text))
}

/** The same without the quotes; existing escapes are not escaped again. */
export function escaped(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value.slice(0, 100))
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
