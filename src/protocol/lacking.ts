import { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'

const nothing = (name: string) => (): never => {
  throw new LiveSocketError(
    'invalid',
    explain`There are no ${name} here: they are for a LiveSocket server, and a part of the socket.`,
  )
}

/**
 * In the place of parts that a server has no words for, or that a socket was made without: loaded where they are
 * missing, and nowhere else.
 */
export const LACKING = {
  requests: () => nothing('requests')(),
  signals: () => ({ send: nothing('signals'), on: nothing('signals'), told() {}, refused() {}, drop() {} }),
} as const
