import { since, type Clock, type Instant } from '../../base/clock.js'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkData } from '../../base/standard-schema.js'
import { LiveSocketError } from '../../base/errors.js'
import type { ClientFrame } from '../../protocol/frames.js'
import { serialise } from '../../protocol/json.js'
import { attempt, TooLong } from '../attempt.js'
import type { DeliveryTimes } from '../delivery-times.js'
import { LONGEST_DATA } from '../bounds.js'
import { LOG_AWAY } from '../failure.js'
import type { MaybePromise } from '../maybe-promise.js'
import { quoted } from '../../base/invalid.js'
import { refusalFrame } from '../refused.js'
import type { Permission } from '../identity/permission.js'
import { PublishRefused } from './publish-refusal.js'
import type { PublishThrottle } from './publish-throttle.js'
import { aboutText } from '../log/about.js'
import { OUTCOME_UNKNOWN, type Answer, type Json, type Nack, type Origin, type TopicLog } from '../log/topic-log.js'

/** What `onPublish` is called with. */
export interface Publication<User, Topic extends string = string, Data = unknown> {
  readonly topic: Topic
  readonly data: Data
  readonly id: string
  readonly session: string
  readonly user: User
  /** Fires when nobody waits for the answer any longer. */
  readonly signal: AbortSignal
}

/** See `LiveServerOptions.onPublish`. */
export type OnPublish<User, Topics extends object = Record<string, unknown>> = (
  ask: { [Topic in keyof Topics & string]: Publication<User, Topic, Topics[Topic]> }[keyof Topics & string],
) => MaybePromise<void | { readonly answer?: unknown; readonly data?: unknown }>

export type PublishFrame = Extract<ClientFrame, { type: 'publish' }>

/** A publish, and the circumstances of its arrival. */
export interface Publishing<User> {
  readonly frame: PublishFrame
  readonly session: string
  readonly user: User
  readonly arrived: Instant
  /** The most milliseconds that it can have been on its way before it arrived. */
  readonly flight: number
}

/** With `retryAfter` the answer is not final, and not recorded. */
export type PublishAnswer = Answer & { readonly retryAfter?: number }

/**
 * Applies a publish, once for each id, and returns its answer. Never rejects. Calls `next` as soon as it is certain
 * that anything published later will also be applied later.
 */
export type Publisher<User> = (publishing: Publishing<User>, next: () => void) => Promise<PublishAnswer>

export interface PublisherDeps<User> {
  readonly onPublish: OnPublish<User> | undefined
  /** By topic. */
  readonly schemas: ReadonlyMap<string, StandardSchemaV1>
  readonly permission: Permission<User>
  /** The `by` that receivers are told. */
  readonly by: (user: User) => unknown
  readonly log: TopicLog
  readonly throttle: PublishThrottle
  readonly times: DeliveryTimes
  readonly clock: Clock
  /** Milliseconds that `onPublish` may take. */
  readonly patience: number
  onError(error: unknown, doing: string): void
}

/** An `age` is in whole milliseconds, and may have been rounded down by this much. */
export const ROUNDING = 1

export function createPublisher<User>(deps: PublisherDeps<User>): Publisher<User> {
  return (publishing, next) => new Decision(deps, publishing, next).outcome()
}

const FAILED = nack('error', 'The server failed to apply this.')

/** What `onPublish` decided: what to store; or the answer, if nothing is to be stored. */
type Verdict = { readonly data: Json; readonly answer?: Json } | { readonly refused: Promise<PublishAnswer> }

/** One publish, from its arrival to its answer. */
class Decision<User> {
  private readonly deps: PublisherDeps<User>
  private readonly publishing: Publishing<User>
  private readonly next: () => void
  /** No step has been taken yet that could be its outcome. */
  private undecided = true

  constructor(deps: PublisherDeps<User>, publishing: Publishing<User>, next: () => void) {
    this.deps = deps
    this.publishing = publishing
    this.next = next
  }

  async outcome(): Promise<PublishAnswer> {
    const { log, onPublish, onError } = this.deps
    const { topic, age } = this.publishing.frame
    const decided = () => this.decide()
    try {
      // Only `onPublish` could do something twice; everything else is recognised as a repeat by `append` and `refuse`.
      return await (onPublish ? log.once(this.origin(), decided) : decided())
    } catch (error) {
      onError(error, `publishing into ${quoted(topic)}`)
      // If a log says that it did nothing, the publish can be sent again. After any other failure its effect is
      // unknown. For a repeat it is also unknown what became of the first copy.
      const refused = error instanceof LiveSocketError && error.code === 'refused'
      if ((!refused && !this.undecided) || age !== undefined) return OUTCOME_UNKNOWN
      const { code, message } = LOG_AWAY
      return { type: 'nack', code, message, retryAfter: (refused ? error.retryAfter : undefined) ?? 1_000 }
    }
  }

  /** The time that it waits here counts as part of its way. */
  private origin(): Origin {
    const { frame, session, flight, arrived } = this.publishing
    const { id, topic, n, age } = frame
    return {
      session,
      id,
      ...(n === undefined ? undefined : { place: { topic, n } }),
      ...(age === undefined ? undefined : { age: age + ROUNDING }),
      flight: flight + since(this.deps.clock, arrived),
    }
  }

  private async decide(): Promise<PublishAnswer> {
    const { log, onPublish } = this.deps
    // Without a decision to make, `append` recognises a repeat itself, in the same step.
    if (onPublish || this.publishing.frame.age !== undefined) {
      const known = await log.recall(this.origin())
      if (known) return known
    }
    this.undecided = false
    const denied = await this.authorize()
    if (denied) return denied
    const verdict = await this.judge()
    return 'refused' in verdict ? verdict.refused : this.append(verdict)
  }

  /** Null: it is allowed. */
  private async authorize(): Promise<PublishAnswer | null> {
    const { permission, log } = this.deps
    const { frame, session, user } = this.publishing
    const { topic, data } = frame
    const denial = await permission({ action: 'publish', topic, user, session, data })
    if (!denial) return null
    const refusal = { type: 'nack', ...denial } as const
    return denial.retryAfter === undefined ? log.refuse(this.origin(), refusal) : refusal
  }

  private async judge(): Promise<Verdict> {
    const { log, schemas, onPublish } = this.deps
    const { frame, session, user } = this.publishing
    const { topic, id, data } = frame
    const fits = checkData(schemas.get(topic), data)
    if ('invalid' in fits) {
      const why = `The data for ${quoted(topic)} does not fit its schema: ${fits.invalid}.`
      return { refused: log.refuse(this.origin(), nack('invalid', why)) }
    }
    if (!onPublish) return this.checked(data, undefined)
    const controller = new AbortController()
    const decision = await attempt(
      this.deps,
      'onPublish took longer than limits.publishTimeout',
      () => onPublish({ topic, data, id, session, user, signal: controller.signal }),
      controller,
    )
    if ('thrown' in decision) return { refused: this.refuse(decision.thrown) }
    const { value } = decision
    return this.checked(value && Object.hasOwn(value, 'data') ? value.data : data, value?.answer)
  }

  /** What `onPublish` threw, as an answer. */
  private async refuse(thrown: unknown): Promise<PublishAnswer> {
    const { log, onError } = this.deps
    const { topic } = this.publishing.frame
    if (!(thrown instanceof PublishRefused)) {
      onError(thrown, `applying a publish into ${quoted(topic)}`)
      // It may still finish. Whatever it returns then, this answer counts, and nothing is appended.
      return log.refuse(this.origin(), thrown instanceof TooLong ? OUTCOME_UNKNOWN : FAILED)
    }
    const { refusal, problem } = refusalFrame(thrown)
    if (problem !== null) onError(problem, `refusing a publish into ${quoted(topic)}`)
    return refusal.retryAfter === undefined ? log.refuse(this.origin(), refusal) : refusal
  }

  /** Checks that both are JSON that clients can read. */
  private checked(stored: unknown, said: unknown): Verdict {
    const { topic } = this.publishing.frame
    const data = jsonOf(stored)
    const answer = said === undefined ? undefined : jsonOf(said)
    if (data === null || answer === null)
      return this.unusable(
        new LiveSocketError(
          'invalid',
          `onPublish gave something that JSON cannot express, for the topic ${quoted(topic)}`,
        ),
      )
    const longest = Math.max(data.length, answer?.length ?? 0)
    if (longest <= LONGEST_DATA) return { data, ...(answer === undefined ? undefined : { answer }) }
    const problem = `onPublish gave ${longest} characters, and clients read no more than ${LONGEST_DATA}`
    return this.unusable(new LiveSocketError('too-large', problem, { topic }))
  }

  private unusable(error: LiveSocketError): Verdict {
    const { log, onError } = this.deps
    onError(error, `applying a publish into ${quoted(this.publishing.frame.topic)}`)
    return { refused: log.refuse(this.origin(), FAILED) }
  }

  private async append({ data, answer }: Exclude<Verdict, { refused: unknown }>): Promise<PublishAnswer> {
    const { log, throttle, times, by, onPublish } = this.deps
    const { frame, session, user, arrived } = this.publishing
    const { topic, id } = frame
    const append = () =>
      log.append({
        topic,
        data,
        origin: this.origin(),
        about: aboutText({ session, id, by: by(user) }),
        ...(answer === undefined ? undefined : { answer }),
      })
    const appended = throttle.run(topic, data.length, () => times.append(topic, arrived.monotonic, append), true)
    // The log keeps the order, so the next publish may start. What `onPublish` decides may depend on earlier decisions,
    // so with it the next publish waits until this one is stored.
    if (!onPublish) this.next()
    return (await appended).answer
  }
}

function nack(code: string, message: string): Nack {
  return { type: 'nack', code, message }
}

function jsonOf(value: unknown): Json | null {
  const text = serialise(value)
  return 'json' in text ? text.json : null
}
