import { LiveSocketError } from '../base/errors.js'
import { tellUncaught } from '../base/uncaught.js'

/**
 * Tells an event in a line, as the `debug` option wants it. Of an error only what LiveSocket itself wrote: others may
 * hold data.
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
