import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { redactedError } from '../../base/token-redaction.js'
import { noSubject, readUser } from './identity.js'
import { isPromise, type MaybePromise } from '../maybe-promise.js'

/** What `authenticate` is called with. */
export interface Authentication {
  readonly token?: string
  readonly session: string
  readonly request: IncomingMessage
  readonly signal: AbortSignal
}

/** See `LiveServerOptions.authenticate`. */
export type Authenticate<User> = (ask: Authentication) => MaybePromise<User | null | undefined | false>

export type Identified<User> =
  | {
      readonly outcome: 'known'
      readonly user: User
      readonly subject?: string
      readonly tokenTtl?: number
      /** When `authenticate` was called, in monotonic milliseconds: it need not have known what happened since. */
      readonly askedAt: number
    }
  | { readonly outcome: 'refused' }
  /**
   * It cannot be decided now: an error, no answer in time, or an answer of a wrong type. It says nothing about the
   * token.
   */
  | { readonly outcome: 'untold' }

export interface Credentials {
  readonly token?: string
  readonly session: string
  readonly request: IncomingMessage
}

/** One call of `authenticate`. */
export interface Identification<User> {
  /** Never rejects. */
  readonly answer: Promise<Identified<User>>
  /** Nobody waits for the answer any longer: the leg is gone. */
  abandon(): void
}

/** Calls `authenticate`. Admission decides how many calls there are at a time. */
export interface Authenticator<User> {
  identify(credentials: Credentials): Identification<User>
  /** Calls that continue although nobody waits for them, except those that were given up as lost. */
  readonly abandoned: number
}

export interface AuthenticatorDeps<User> {
  readonly authenticate: Authenticate<User>
  readonly clock: Clock
  /**
   * Milliseconds for one call. A call whose signal has fired has as long again to settle. If it does not, it is given
   * up as lost and its place is free again. Otherwise as many hanging calls as the limit allows could block the server
   * forever.
   */
  readonly patience: number
  /** A call that nobody waited for has ended, or was given up as lost. */
  wasted?(): void
  /** A call that counted as `abandoned` has ended. */
  room?(): void
  onError(error: unknown, doing: string): void
}

export function createAuthenticator<User>(deps: AuthenticatorDeps<User>): Authenticator<User> {
  const asking = new Asking(deps)
  return {
    identify: (credentials) => asking.identify(credentials),
    get abandoned() {
      return asking.abandoned
    },
  }
}

/** All calls, and which of them nobody waits for. */
class Asking<User> {
  readonly deps: AuthenticatorDeps<User>
  /** Calls under way that nobody waits for, in the order in which they were abandoned. */
  readonly #abandoned = new Set<Question<User>>()
  #saidSubject = false

  constructor(deps: AuthenticatorDeps<User>) {
    this.deps = deps
  }

  identify(credentials: Credentials): Identification<User> {
    const question = new Question(this, credentials)
    question.begin()
    return question
  }

  get abandoned(): number {
    this.#giveAwayLost()
    return this.#abandoned.size
  }

  /** Nobody waits for it any longer. */
  abandon(question: Question<User>): void {
    this.#abandoned.add(question)
  }

  /** A call has ended. */
  over(question: Question<User>): void {
    if (!this.#abandoned.delete(question)) return
    this.deps.wasted?.()
    this.deps.room?.()
  }

  /** Reported once only, because it may be intended. */
  withoutSubject(): void {
    if (this.#saidSubject) return
    this.#saidSubject = true
    this.deps.onError(noSubject(), 'authenticating')
  }

  #giveAwayLost() {
    const { clock, patience, wasted, onError } = this.deps
    for (const question of this.#abandoned) {
      if (clock.monotonic() - question.abandonedAt! < patience) return
      this.#abandoned.delete(question)
      wasted?.()
      onError(
        new LiveSocketError(
          'timeout',
          `authenticate has not ended ${patience} ms after its signal fired: pass the signal on to what it calls`,
        ),
        'authenticating',
      )
    }
  }
}

/** One call, from its beginning to its answer. */
class Question<User> implements Identification<User> {
  readonly answer: Promise<Identified<User>>
  /** When it was abandoned, in monotonic milliseconds; null if it was not. */
  abandonedAt: number | null = null
  readonly #asking: Asking<User>
  readonly #token: string | undefined
  readonly #ask: Authentication
  /** Created only when the signal is read: after a crash everybody comes back, and each controller costs time. */
  #controller: AbortController | null = null
  #askedAt = 0
  #settled = false
  #settle!: (identified: Identified<User>) => void
  #cancel: () => void = () => undefined

  constructor(asking: Asking<User>, { token, ...rest }: Credentials) {
    this.#asking = asking
    this.#token = token
    this.answer = new Promise((resolve) => void (this.#settle = resolve))
    const signal = () => this.#signal()
    this.#ask = {
      ...rest,
      ...(token === undefined ? undefined : { token }),
      get signal() {
        return signal()
      },
    }
  }

  begin(): void {
    const { authenticate, clock, patience } = this.#asking.deps
    this.#askedAt = clock.monotonic()
    try {
      const asked = authenticate(this.#ask)
      if (!isPromise(asked)) return this.#judge(asked)
      this.#cancel = clock.setTimeout(() => this.#late(), patience)
      Promise.resolve(asked).then(
        (user) => this.#ended(() => this.#judge(user)),
        (error) => this.#ended(() => this.#failed(error)),
      )
    } catch (error) {
      this.#failed(error)
    }
  }

  abandon(): void {
    if (this.#settled) return
    this.abandonedAt = this.#asking.deps.clock.monotonic()
    this.#asking.abandon(this)
    this.#controller?.abort()
    this.#end({ outcome: 'untold' })
  }

  #signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.abandonedAt !== null) this.#controller.abort()
    return this.#controller.signal
  }

  #ended(then: () => void) {
    this.#asking.over(this)
    then()
  }

  #judge(user: User | null | undefined | false) {
    if (this.#settled) return
    if (!user) return this.#end({ outcome: 'refused' })
    try {
      const fields = readUser(user)
      if (fields.subject === undefined) this.#asking.withoutSubject()
      this.#end({ outcome: 'known', user, ...fields, askedAt: this.#askedAt })
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown) {
    if (this.#settled) return
    const secrets = this.#token === undefined ? [] : [this.#token]
    this.#asking.deps.onError(redactedError(error, secrets, 'authenticate'), 'authenticating')
    this.#end({ outcome: 'untold' })
  }

  #late() {
    const { patience, onError } = this.#asking.deps
    onError(new LiveSocketError('timeout', `authenticate did not answer within ${patience} ms`), 'authenticating')
    this.abandon()
  }

  #end(identified: Identified<User>) {
    this.#settled = true
    this.#cancel()
    this.#settle(identified)
  }
}
