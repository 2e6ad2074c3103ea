import { nanoid } from 'nanoid'
import type { Present } from '../base/clock.js'
import type { Merge, MergeDeps, MergeHandlers } from '../topics/merge.js'
import { withRequests } from '../requests/with-requests.js'
import type { Requests } from '../requests/requests.js'
import { createOutbox, type Outbox, type OutboxHandlers } from '../publishes/outbox.js'
import { noTokens } from '../tokens/no-tokens.js'
import type { TokenKeeper, TokenKeeperHandlers } from '../tokens/token-keeper.js'
import type { ClientFrame } from '../protocol/frames.js'
import type { Settings } from '../options/options.js'

/**
 * One client as the server sees it, and all that the application can see of it: from the first `connect()` to
 * `signOut()` or to the session's end. What belongs to it is made with it and ends with it; a `close()` in between only
 * makes it rest.
 */
export interface Session {
  /** Unguessable, and minted when it is first needed: a socket that is never connected asks nothing of the browser. */
  readonly id: string
  readonly merge: Merge & { drained?(leg: number): void }
  /** What waits for answers, of both kinds. */
  readonly outbox: Outbox
  /** Absent: the socket is made without them. */
  readonly requests: Requests | undefined
  readonly tokens: TokenKeeper
  readonly counters: SessionCounters
  /** It is served again. False: another tab has ended it meanwhile. */
  open(): boolean
  /** Settles all publishes. The token in force is kept for the next `open`. */
  rest(message: string): void
  /** As `rest`, for good, and the login session is over in every tab. */
  end(message: string, reason?: string): void
}

export interface SessionCounters {
  received: number
  delivered: number
  gaps: number
  handovers: number
  reconnects: number
  published: number
  longestSilence: number
  lastMessage: number | null
  /** A leg has served the application. */
  everLive: boolean
}

export interface SessionDeps {
  readonly settings: Settings
  readonly present: Present
  /** Whether anything shows that there is a network. */
  online(): boolean
}

export interface SessionHandlers {
  readonly merge: MergeHandlers & { fence(leg: number): void }
  readonly outbox: Pick<OutboxHandlers, 'send' | 'overdue' | 'settled'> & { changed(size: Outbox['size']): void }
  /** Puts the frame of a request on that leg. */
  request(leg: number, frame: ClientFrame): boolean
  readonly tokens: TokenKeeperHandlers
}

/**
 * Time that a cutover waits for the old leg's answers before it sends the same again on the new one: a slow round trip.
 */
const SETTLE_TIMEOUT = 1_000

export function createSession({ settings, present, online }: SessionDeps, handlers: SessionHandlers): Session {
  let id = ''
  const merge = mergeOf(settings, present, handlers.merge)
  const requests = settings.parts.requests?.(
    { clock: settings.clock, id: () => nanoid(), ...settings.outbox },
    handlers.request,
  )
  const publishes: Outbox = createOutbox(
    {
      clock: settings.clock,
      id: () => nanoid(),
      ...settings.outbox,
      settleTimeout: SETTLE_TIMEOUT,
      acknowledges: settings.protocol.acknowledges,
      dedupes: settings.protocol.dedupes,
      binary: settings.protocol.binary,
    },
    { ...handlers.outbox, changed: () => handlers.outbox.changed(publishes.size) },
  )
  const outbox = requests ? withRequests(publishes, requests) : publishes
  const tokens = tokensOf(settings, online, handlers.tokens)
  return {
    get id() {
      return (id ||= nanoid())
    },
    merge,
    outbox,
    requests,
    tokens,
    counters: {
      received: 0,
      delivered: 0,
      gaps: 0,
      handovers: 0,
      reconnects: 0,
      published: 0,
      longestSilence: 0,
      lastMessage: null,
      everLive: false,
    },
    open() {
      outbox.open()
      return tokens.open()
    },
    rest(message) {
      outbox.close(message)
      tokens.rest()
    },
    end(message, reason) {
      outbox.close(message)
      tokens.signOut(reason)
    },
  }
}

/** What the protocol's own room has made, of which the room of protocols knows nothing. */
type CreateMerge = (deps: MergeDeps, handlers: SessionHandlers['merge']) => Session['merge']

function mergeOf({ protocol, clock, holding }: Settings, present: Present, handlers: SessionHandlers['merge']) {
  return (protocol.createMerge as CreateMerge)({ clock, present, id: () => nanoid(8), ...holding }, handlers)
}

function tokensOf(settings: Settings, online: () => boolean, handlers: TokenKeeperHandlers): TokenKeeper {
  const { clock, random, getToken, tokenRefresh, tabs, key, page, parts } = settings
  return (parts.tokens ?? noTokens)(
    { clock, random, getToken, tokenRefresh, tabs, key, online, hidden: () => page.hidden() },
    handlers,
  )
}
