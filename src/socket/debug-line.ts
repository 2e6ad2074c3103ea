import { LiveSocketError } from '../base/errors.js'

/**
 * An event in a line, for the `debug` option. Of an error only what LiveSocket itself wrote, or else its name: others
 * may hold data.
 */
export function debugLine(type: string, event: object): string {
  return `livesocket ${type} ${JSON.stringify(event, (name, value: unknown) => (name !== 'error' ? value : value instanceof LiveSocketError ? value.message : 'an error'))}`
}
