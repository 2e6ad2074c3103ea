import type { Clock } from '../../base/clock.js'
import { tokenProblem } from '../../policy/token-answer.js'
import { attempt } from '../attempt.js'
import { numberOf } from '../bounds.js'
import { invalid, shown } from '../../base/invalid.js'
import { atOnce, type MaybePromise } from '../maybe-promise.js'

/** Options of `renewTokens`. */
export interface RenewOptions {
  /** Milliseconds within which all of them are to have a fresh token: at least 1,000, at most 400 days. Default 60,000. */
  readonly within?: number
}

/** A fresh token that a server sends to a client. */
export interface OfferedToken {
  readonly token: string
  /**
   * Milliseconds that it lives: at least 1, at most 400 days. Without it the client takes a JWT's own `exp − iat`, else
   * its default.
   */
  readonly tokenTtl?: number
}

/**
 * Which sessions are meant: a function picks sessions of this server; `{ subject }` is all sessions of a subject and `{
 * session }` is one session, on every server.
 */
export type SessionMatch<User> = SessionPick<User> | { readonly subject: string } | { readonly session: string }

/** Picks sessions of this server. */
export type SessionPick<User> = (session: { readonly session: string; readonly user: User }) => boolean

/** The match as a function. Throws `invalid` for anything but a function, `{ subject }` or `{ session }`. */
export function pickOf<User>(doing: string, match: SessionMatch<User>): (session: Owner<User>) => boolean {
  if (typeof match === 'function') return (session) => atOnce(`${doing}(match): match`, match(session))
  const { subject, session } = (match ?? {}) as { subject?: unknown; session?: unknown }
  if (typeof subject === 'string' && session === undefined) return (who) => who.subject === subject
  if (typeof session === 'string' && subject === undefined) return (who) => who.session === session
  throw invalid(`${doing}(match): match must be a function, { subject } or { session }, not ${shown(match)}`)
}

/** Signs a token for a session; null: the session gets none. */
export type Mint<User> = (session: {
  readonly session: string
  readonly user: User
}) => MaybePromise<OfferedToken | null | undefined>

type Owner<User> = { readonly session: string; readonly user: User; readonly subject?: string | undefined }

/** A leg, as far as its token is concerned. */
export interface TokenLeg<User> {
  readonly who: Owner<User> | null
  /** Calls `then` as soon as the owner is known, if `authenticate` is being asked at present. */
  whenKnown(then: (who: Owner<User>) => void): void
  /** Makes its token end in `within` milliseconds. False if the leg has no token, or one that ends sooner. */
  renewToken(within: number): boolean
  send(frame: { readonly type: 'token'; readonly token: string; readonly tokenTtl?: number }): void
}

/** What a server can do about the tokens of its legs, beyond waiting for them to end. */
export interface TokenRenewal<User> {
  renew(match: SessionMatch<User>, options?: RenewOptions): number
  offer(match: SessionPick<User>, mint: Mint<User>): Promise<number>
  /** Sends the same token to all that match. */
  give(match: SessionMatch<User>, token: OfferedToken): number
}

export function createTokenRenewal<User>(deps: {
  /** All connections, and the legs that are welcomed. */
  readonly roster: { readonly connections: Iterable<TokenLeg<User>>; readonly legs: ReadonlySet<TokenLeg<User>> }
  readonly clock: Clock
  /** Milliseconds that `mint` may take. */
  readonly patience: number
  onError(error: unknown, doing: string): void
}): TokenRenewal<User> {
  const bySession = (match: ReturnType<typeof pickOf<User>>, all: Iterable<TokenLeg<User>> = deps.roster.legs) => {
    const sessions = new Map<string, TokenLeg<User>[]>()
    for (const leg of all) {
      const { who } = leg
      if (!who || !match(who)) continue
      const legs = sessions.get(who.session)
      if (legs) legs.push(leg)
      else sessions.set(who.session, [leg])
    }
    return sessions
  }

  /** The session's legs at this moment: it may have been handed over, or left, while its token was signed. */
  function here(session: string, legs: readonly TokenLeg<User>[]) {
    const still = legs.filter((leg) => deps.roster.legs.has(leg))
    return still.length > 0 ? still : [...deps.roster.legs].filter(({ who }) => who!.session === session)
  }

  return {
    renew(match, options = {}) {
      const within = numberOf('renewTokens.within', options.within)
      const picks = pickOf('renewTokens', match)
      let asked = 0
      for (const legs of bySession(picks, deps.roster.connections).values())
        if (legs.filter((leg) => leg.renewToken(within)).length > 0) asked++
      const endsAt = deps.clock.monotonic() + within
      for (const leg of deps.roster.connections)
        leg.whenKnown((who) => void (picks(who) && leg.renewToken(endsAt - deps.clock.monotonic())))
      return asked
    },
    give(match, token) {
      const frame = tokenFrame(token)
      const sessions = bySession(pickOf('offerTokens', match))
      for (const legs of sessions.values()) for (const leg of legs) leg.send(frame)
      return sessions.size
    },
    async offer(match, mint) {
      let offered = 0
      // One after the other: a thousand signatures at once would hold up every leg.
      for (const legs of bySession(pickOf('offerTokens', match)).values()) {
        try {
          const { session, user } = legs[0]!.who!
          const answer = await attempt(deps, 'mint took longer than limits.helloTimeout', () => mint({ session, user }))
          if ('thrown' in answer) throw answer.thrown
          if (!answer.value) continue
          const frame = tokenFrame(answer.value)
          const now = here(session, legs)
          for (const leg of now) leg.send(frame)
          if (now.length > 0) offered++
        } catch (error) {
          deps.onError(error, 'offering a token')
        }
      }
      return offered
    },
  }
}

function tokenFrame({ token, tokenTtl }: OfferedToken) {
  // Checked by the client's rules, because the client would discard such a token.
  const problem = tokenProblem(token)
  if (problem !== null) throw invalid(`offerTokens: mint gave a token that ${problem}`)
  if (tokenTtl === undefined) return { type: 'token', token } as const
  return { type: 'token', token, tokenTtl: numberOf('offerTokens.tokenTtl', tokenTtl) } as const
}
