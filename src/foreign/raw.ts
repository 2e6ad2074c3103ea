import { LACKING } from '../protocol/lacking.js'
import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import type { Protocol } from '../protocol/protocol.js'
import type { ForeignMergeDeps, ForeignMergeHandlers } from './foreign-merge-contract.js'
import { createForeignMerge } from './foreign-merge.js'
import { tickWhileHidden } from './hidden-ticks.js'
import { RawCodec } from './raw-codec.js'
import { copyOf } from './raw-copy.js'
import type { RawProtocolOptions } from './raw-options.js'
import { perSession } from './raw-session.js'

export type {
  Outgoing,
  RawMessage,
  RawProtocolOptions,
  RawHello,
  RawWelcome,
  RawHandover,
  RawRefusal,
  RawAnswer,
} from './raw-options.js'

/**
 * Makes a LiveSocket protocol out of functions that read and write any server's frames. What it can promise depends on
 * what the server's messages have:
 *
 * - with `position`: every message once and in order over any handover and break; what is missing is exactly one gap
 *   with its bounds;
 * - with `identity` alone: the same in a planned handover whose end is marked by `drained` or by an answered `ping`;
 *   what is lost in a break stays lost unless the server sends it again;
 * - with neither: the connection is kept, and nothing is promised about messages.
 *
 * If `given` is a function it is called for each leg, so that a leg may have its own state.
 *
 * Throws a `LiveSocketError` `invalid` if an option is missing or of a wrong type.
 */
export function rawProtocol(given: RawProtocolOptions | (() => RawProtocolOptions)): Protocol {
  const options = typeof given === 'function' ? given() : given
  check(options)
  const sessions = perSession(() => new Map<string, string>())
  const pings = options.ping !== undefined && options.pong !== undefined
  const marksEnd = options.marksEnd ?? (pings || options.drained !== undefined)
  checkLeastOverlap(options.leastOverlap, marksEnd)
  const strength = options.position ? 'position' : options.identity ? 'identity' : 'none'
  const end = marksEnd ? 'fence' : 'match'
  return {
    name: options.name ?? 'raw',
    subprotocols: [...(options.subprotocols ?? [])],
    merge: strength,
    lacking: LACKING,
    overlap: options.overlap ?? 'concurrent',
    inBandAuth: options.auth !== undefined,
    acknowledges: options.answer !== undefined,
    dedupes: options.dedupes ?? false,
    takesToken: options.hello !== undefined || options.dial !== undefined || options.auth !== undefined,
    pings,
    reconnectSpread: SPREAD,
    copy: (data) => copyOf(data, options.binary ?? true),
    ...(pings && { tickWhileHidden }),
    ...(options.dial && { dial: (to, token) => options.dial!(to, token) }),
    createMerge: (deps: ForeignMergeDeps, handlers: ForeignMergeHandlers) =>
      createForeignMerge(
        { ...deps, strength, end, leaves: options.leave !== undefined, leastOverlap: options.leastOverlap },
        handlers,
      ),
    open: (line) => new RawCodec(typeof given === 'function' ? ofLeg(given) : given, sessions, line),
  }
}

/**
 * If the options of a leg cannot be made, every function throws the reason, and the leg fails as if its server did not
 * answer.
 */
function ofLeg(given: () => RawProtocolOptions): RawProtocolOptions {
  try {
    const options = given()
    check(options)
    return options
  } catch (thrown) {
    const fail = () => {
      throw thrown
    }
    return { message: fail, hello: fail, ready: () => null }
  }
}

/**
 * Milliseconds. What disappears at once is usually one server of several, with some 10,000 clients: over 5 s they are
 * 2,000 dials a second. If more clients were hit, dials fail, and each failure doubles the spread.
 */
const SPREAD = 5_000

/** Milliseconds. Servers that need longer to learn of each other's messages are not one system. */
const LONGEST_OVERLAP = 300_000

const FUNCTIONS = [
  'hello',
  'ready',
  'message',
  'handover',
  'identity',
  'position',
  'ping',
  'pong',
  'drained',
  'subscribe',
  'unsubscribe',
  'publish',
  'answer',
  'auth',
  'opened',
  'reply',
  'owes',
  'lost',
  'split',
  'refused',
  'dial',
  'waiting',
  'leave',
  'unauthorized',
  'invalid',
  'begins',
  'unanswered',
  'goodbye',
  'ended',
  'closed',
] as const

function check(options: RawProtocolOptions) {
  if (typeof options !== 'object' || options === null)
    throw new LiveSocketError('invalid', explain`rawProtocol takes an object of functions, with at least \`message\`.`)
  for (const name of FUNCTIONS) {
    const given = options[name] as unknown
    if (given === undefined ? name === 'message' : typeof given !== 'function')
      throw new LiveSocketError('invalid', explain`rawProtocol: ${name} must be a function.`)
  }
  if (options.overlap !== undefined && options.overlap !== 'concurrent' && options.overlap !== 'exclusive') {
    throw new LiveSocketError('invalid', explain`rawProtocol: overlap must be "concurrent" or "exclusive".`)
  }
  if (options.pong && !options.ping)
    throw new LiveSocketError('invalid', explain`rawProtocol: \`pong\` answers a \`ping\`, and there is none.`)
}

function checkLeastOverlap(given: unknown, marksEnd: boolean) {
  if (given === undefined) return
  if (typeof given !== 'number' || !(given >= 0 && given <= LONGEST_OVERLAP))
    throw new LiveSocketError('invalid', explain`rawProtocol: leastOverlap must be milliseconds, 0 to 300,000.`)
  if (given > 0 && !marksEnd)
    throw new LiveSocketError(
      'invalid',
      explain`rawProtocol: leastOverlap needs \`drained\`, or \`ping\` and \`pong\`. Without them both legs live for handover.overlapLimit.`,
    )
}
