import { LiveSocketError } from '../base/errors.js'
import { tellUncaught } from '../base/uncaught.js'

/**
 * Writes an event as one line, for the `debug` option. Of an error it writes only a message that LiveSocket itself
 * wrote: the text of any other error may contain data.
 */
export function tellDebug(debug: true | ((line: string) => void), type: string, event: object): void {
  const plain = (name: string, value: unknown) =>
    name !== 'error' ? value : value instanceof LiveSocketError ? value.message : 'an error'
  try {
    ;(debug === true ? console.debug : debug)(`livesocket ${type} ${JSON.stringify(event, plain)}`)
  } catch (thrown) {
    tellUncaught(thrown)
  }
}
