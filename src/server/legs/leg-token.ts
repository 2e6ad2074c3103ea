import type { Identification, Identified } from '../identity/authenticator.js'
import { createFreshToken } from '../identity/fresh-token.js'
import { fail, refusal } from './leg-end.js'
import { queueOf, type LegState } from './leg-state.js'
import { refuse } from './leg-subscriptions.js'

export type Known<User> = Extract<Identified<User>, { outcome: 'known' }>

export function askWho<User>(
  { request, deps }: LegState<User>,
  session: string,
  token: string | undefined,
): Identification<User> {
  return deps.authenticator.identify({ session, request, ...(token === undefined ? undefined : { token }) })
}

/** The token's life counts from this call. */
export function lifetime<User>(leg: LegState<User>, { tokenTtl, askedAt }: Known<User>): { tokenTtl?: number } {
  const left = leg.life.begin(leg.deps.clock.monotonic(), tokenTtl, askedAt)
  return left === Infinity ? {} : { tokenTtl: left }
}

/** A token came on a live leg. */
export function refresh<User>(leg: LegState<User>, token: string): void {
  leg.fresh ??= createFreshToken<User>(
    leg.deps.clock,
    // No client waits for this check, so it may stay in the line without a limit of its own.
    (turn) =>
      leg.deps.admission.enter({
        ...turn,
        address: leg.arrival.address,
        live: true,
        patience: Infinity,
        waits: () => undefined,
      }),
    (fresh) => askWho(leg, leg.who!.session, fresh),
    (known) => renewed(leg, known),
  )
  leg.fresh.check(token)
}

/**
 * Applies what the check of its fresh token said. The new lifetime counts at once, so that the old token does not run
 * out behind slow work in the queue. Its topics are checked again in their turn, after those that are being subscribed
 * with the rights of the old token.
 */
function renewed<User>(leg: LegState<User>, known: Exclude<Identified<User>, { readonly outcome: 'untold' }>) {
  if (leg.phase !== 'live') return
  if (known.outcome !== 'known') return fail(leg, refusal(known.outcome))
  const who = leg.who!
  if (known.subject !== who.subject)
    return fail(leg, { code: 'session-ended', message: 'The fresh token belongs to another user.' })
  who.user = known.user
  who.token = true
  leg.socket.send({ type: 'authed', ...lifetime(leg, known) })
  // The fresh token may grant different rights.
  queueOf(leg).change(0, [], () => leg.topics.recheck(who, refuse(leg, undefined)))
}
