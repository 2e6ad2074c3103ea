import { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'

const nothing = (name: string) => (): never => {
  throw new LiveSocketError(
    'invalid',
    explain`There are no ${name} here: they need a LiveSocket server, and their part in the socket.`,
  )
}

/**
 * Stand-ins for parts that a server does not support, or that a socket was made without. This module is loaded only
 * where parts are missing.
 */
export const LACKING = {
  requests: () => nothing('requests')(),
  signals: () => ({ send: nothing('signals'), on: nothing('signals'), told() {}, refused() {}, drop() {} }),
} as const
