import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { redactedError } from '../../base/token-redaction.js'
import { noSubject, readUser } from './identity.js'
import { isPromise, type MaybePromise } from '../maybe-promise.js'

/** What `authenticate` is asked. */
export interface Authentication {
  readonly token?: string
  readonly session: string
  readonly request: IncomingMessage
  readonly signal: AbortSignal
}

/** See `LiveServerOptions`. */
export type Authenticate<User> = (ask: Authentication) => MaybePromise<User | null | undefined | false>

export type Identified<User> =
  | {
      readonly outcome: 'known'
      readonly user: User
      readonly subject?: string
      readonly tokenTtl?: number
      /** Milliseconds on the clock, monotonic: what happened since the application need not have known. */
      readonly askedAt: number
    }
  | { readonly outcome: 'refused' }
  /** It cannot be told now: a throw, no answer in time, or an answer of a wrong type. It says nothing of the token. */
  | { readonly outcome: 'untold' }

export interface Credentials {
  readonly token?: string
  readonly session: string
  readonly request: IncomingMessage
}

/** One question to `authenticate`. */
export interface Identification<User> {
  /** Never rejects. */
  readonly answer: Promise<Identified<User>>
  /** Nobody waits for it any more: the leg is gone. */
  abandon(): void
}

/** Asks `authenticate`. How many are asked about at a time is admission's to say. */
export interface Authenticator<User> {
  identify(credentials: Credentials): Identification<User>
  /** Calls that go on although nobody waits for them any more, but those that are taken for lost. */
  readonly abandoned: number
}

export interface AuthenticatorDeps<User> {
  readonly authenticate: Authenticate<User>
  readonly clock: Clock
  /**
   * Milliseconds for one question. So much again is for a call to settle whose signal has fired: one that does not is
   * taken for lost, and its place given away. Otherwise as many as may be under way could shut the server for ever.
   */
  readonly patience: number
  /** A call has ended, or is taken for lost, that nobody waited for any more. */
  wasted?(): void
  /** One that counted as `abandoned` has ended. */
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

/** All questions, and those that nobody waits for. */
class Asking<User> {
  readonly deps: AuthenticatorDeps<User>
  /** Under way, and nobody waits for them: in the order in which they were given up. */
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

  /** Nobody waits for it any more. */
  abandon(question: Question<User>): void {
    this.#abandoned.add(question)
  }

  /** A call is over. */
  over(question: Question<User>): void {
    if (!this.#abandoned.delete(question)) return
    this.deps.wasted?.()
    this.deps.room?.()
  }

  /** Once: it may be meant. */
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

/** One of them, from its beginning to its answer. */
class Question<User> implements Identification<User> {
  readonly answer: Promise<Identified<User>>
  /** When nobody waited for it any more, ms; null: somebody does. */
  abandonedAt: number | null = null
  readonly #asking: Asking<User>
  readonly #token: string | undefined
  readonly #ask: Authentication
  /** Made for those who look at the signal: after a crash everybody comes back, and each of them costs. */
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
