import type { Clock } from '../../base/clock.js'
import type { Failure } from '../failure.js'
import type { LegOwner, ServerLeg } from './leg-contract.js'

/** The connections of one server. */
export class LegRoster<User> {
  /** All connections, and the legs that are welcomed. */
  readonly connections = new Set<ServerLeg<User>>()
  readonly legs = new Set<ServerLeg<User>>()
  /** Connections that have sent a `hello`. One that sends nothing need not be a client. */
  clients = 0
  /** Calls that tell the log that a leg is gone. */
  private readonly releasing = new Set<Promise<void>>()
  /**
   * The legs that `close` waits for. Legs that arrive after it began are only refused: waiting for them might never
   * end.
   */
  private readonly leaving = new Set<ServerLeg<User>>()
  private emptied: (() => void) | null = null

  add(leg: ServerLeg<User>): void {
    this.connections.add(leg)
  }

  arrived(): void {
    this.clients++
  }

  welcomed(leg: ServerLeg<User>): void {
    this.legs.add(leg)
  }

  /** Whether it had been welcomed. */
  remove(leg: ServerLeg<User>): boolean {
    this.connections.delete(leg)
    if (leg.session !== undefined) this.clients--
    const wasWelcomed = this.legs.delete(leg)
    if (this.leaving.delete(leg) && this.leaving.size === 0) this.emptied?.()
    return wasWelcomed
  }

  release(done: Promise<void>): void {
    this.releasing.add(done)
    void done.then(() => this.releasing.delete(done))
  }

  failPending(failure: Failure): void {
    for (const leg of [...this.connections]) if (!this.legs.has(leg)) leg.fail(failure)
  }

  /**
   * Ends matching sessions, including those of legs that are known and not welcomed yet, or whose owner is being asked
   * for: nobody slips in behind a sign-out. Returns the number of sessions, as far as they are known.
   */
  end(match: (who: LegOwner<User>) => boolean, reason: string): number {
    const matching = [...this.connections].filter(({ who }) => who !== null && match(who))
    const sessions = new Set(matching.map(({ who }) => who!.session))
    const end = (leg: ServerLeg<User>) => leg.fail({ code: 'session-ended', message: reason })
    for (const leg of matching) end(leg)
    for (const leg of this.connections) leg.whenKnown((who) => void (match(who) && end(leg)))
    return sessions.size
  }

  ownerOf(session: string): LegOwner<User> | undefined {
    for (const { who } of this.legs) if (who?.session === session) return who
    return undefined
  }

  /** Closes all that are here, and resolves when they are gone. */
  async close(failure: Failure): Promise<void> {
    for (const leg of this.connections) this.leaving.add(leg)
    for (const leg of [...this.leaving]) leg.fail(failure, 'all')
    if (this.leaving.size > 0) await new Promise<void>((resolve) => void (this.emptied = resolve))
  }

  /** Resolves when the log knows of all that are gone, or after `patience` milliseconds. */
  released(clock: Clock, patience: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.setTimeout(resolve, patience)
      void Promise.all(this.releasing).then(cancel).then(resolve)
    })
  }
}
