import { since, type Clock, type Instant } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { ClientFrame } from '../../protocol/frames.js'
import { serialise } from '../../protocol/json.js'
import { attempt, TooLong } from '../attempt.js'
import { LONGEST_DATA } from '../bounds.js'
import { LOG_AWAY } from '../failure.js'
import type { MaybePromise } from '../maybe-promise.js'
import { quoted } from '../invalid.js'
import { refusalFrame } from '../refused.js'
import type { Permission } from '../identity/permission.js'
import { PublishRefused } from './publish-refusal.js'
import type { PublishPace } from './publish-pace.js'
import { aboutText } from '../log/about.js'
import { OUTCOME_UNKNOWN, type Answer, type Json, type Nack, type Origin, type TopicLog } from '../log/topic-log.js'

export interface Publication<User> {
  readonly topic: string
  readonly data: unknown
  readonly id: string
  readonly session: string
  readonly user: User
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** See `LiveServerOptions`. */
export type OnPublish<User> = (
  ask: Publication<User>,
) => MaybePromise<void | { readonly answer?: unknown; readonly data?: unknown }>

export type PublishFrame = Extract<ClientFrame, { type: 'publish' }>

export interface Publishing<User> {
  readonly frame: PublishFrame
  readonly session: string
  readonly user: User
  readonly arrived: Instant
  /** The most milliseconds that it can have been on its way until then. */
  readonly flight: number
}

/** With `retryAfter` it is not final, and not recorded. */
export type PublishAnswer = Answer & { readonly retryAfter?: number }

/**
 * Applies a publish, once for each id, and says how it went. Never rejects. Calls `next` as soon as whatever is
 * published after it will also be applied after it.
 */
export type Publisher<User> = (publishing: Publishing<User>, next: () => void) => Promise<PublishAnswer>

export interface PublisherDeps<User> {
  readonly onPublish: OnPublish<User> | undefined
  readonly permission: Permission<User>
  /** Who is told to have published. */
  readonly by: (user: User) => unknown
  readonly log: TopicLog
  readonly pace: PublishPace
  readonly clock: Clock
  /** How long `authorize` and `onPublish` may take, each. */
  readonly patience: number
  onError(error: unknown, doing: string): void
}

/** An `age` is whole milliseconds, which may have been rounded down. */
export const ROUNDING = 1

export function createPublisher<User>({
  log,
  pace,
  permission,
  clock,
  patience,
  by,
  onPublish,
  onError,
}: PublisherDeps<User>): Publisher<User> {
  const within = { clock, patience }

  /** @param deciding called before anything is done that may be the publish's outcome. */
  async function decide(
    { frame, session, user }: Publishing<User>,
    origin: () => Origin,
    deciding: () => void,
    next: () => void,
  ): Promise<PublishAnswer> {
    const { topic, id } = frame
    // Without a decision to make, `append` finds a repeat by itself, in the same step.
    if (onPublish || frame.age !== undefined) {
      const known = await log.recall(origin())
      if (known) return known
    }
    deciding()
    const allowed = await attempt(within, 'authorize took longer than limits.publishTimeout', () =>
      permission({ action: 'publish', topic, user, session, data: frame.data }),
    )
    if ('thrown' in allowed) {
      onError(allowed.thrown, `authorizing a publish into ${quoted(topic)}`)
      return { type: 'nack', code: 'busy', message: 'Whether this is allowed cannot be told now.', retryAfter: 1_000 }
    }
    const denial = allowed.value
    if (denial)
      return denial.retryAfter === undefined
        ? log.refuse(origin(), { type: 'nack', ...denial })
        : { type: 'nack', ...denial }
    const controller = onPublish && new AbortController()
    const decision = onPublish
      ? await attempt(
          within,
          'onPublish took longer than limits.publishTimeout',
          () => onPublish({ topic, data: frame.data, id, session, user, signal: controller!.signal }),
          controller,
        )
      : { value: undefined }
    if ('thrown' in decision) {
      const { thrown } = decision
      if (thrown instanceof TooLong) {
        onError(thrown, `applying a publish into ${quoted(topic)}`)
        // It may be done still. Whatever it says then, this is the answer, and nothing is appended.
        return log.refuse(origin(), OUTCOME_UNKNOWN)
      }
      if (!(thrown instanceof PublishRefused)) {
        onError(thrown, `applying a publish into ${quoted(topic)}`)
        return log.refuse(origin(), nack('error', 'The server failed to apply this.'))
      }
      const { refusal, problem } = refusalFrame(thrown)
      if (problem !== null) onError(problem, `refusing a publish into ${quoted(topic)}`)
      return refusal.retryAfter === undefined ? log.refuse(origin(), refusal) : refusal
    }
    const stored = decision.value && Object.hasOwn(decision.value, 'data') ? decision.value.data : frame.data
    const data = jsonOf(stored)
    const answer = decision.value?.answer === undefined ? undefined : jsonOf(decision.value.answer)
    if (data === null || answer === null) {
      onError(
        new LiveSocketError('invalid', `onPublish gave what JSON has no word for, for the topic ${quoted(topic)}`),
        `applying a publish into ${quoted(topic)}`,
      )
      return log.refuse(origin(), nack('error', 'The server failed to apply this.'))
    }
    const longest = Math.max(data.length, answer?.length ?? 0)
    if (longest > LONGEST_DATA) {
      onError(
        new LiveSocketError(
          'too-large',
          `onPublish gave ${longest} characters, and clients read no more than ${LONGEST_DATA}`,
          { topic },
        ),
        `applying a publish into ${quoted(topic)}`,
      )
      return log.refuse(origin(), nack('error', 'The server failed to apply this.'))
    }
    const appended = pace.run(topic, data.length, () =>
      log.append({
        topic,
        data,
        origin: origin(),
        about: aboutText({ session, id, by: by(user) }),
        ...(answer === undefined ? undefined : { answer }),
      }),
    )
    // The log keeps the order. What `onPublish` decides may rest on what was decided before: that is seen to be stored
    // first.
    if (!onPublish) next()
    return (await appended).answer
  }

  return async (publishing, next) => {
    const { frame, session, flight, arrived } = publishing
    const { id, topic, n, age } = frame
    const what = {
      session,
      id,
      ...(n === undefined ? undefined : { place: { topic, n } }),
      ...(age === undefined ? undefined : { age: age + ROUNDING }),
    }
    // What it waits for here counts as part of its way.
    const origin = (): Origin => ({ ...what, flight: flight + since(clock, arrived) })
    let undecided = true
    const decided = () => decide(publishing, origin, () => void (undecided = false), next)
    try {
      // Only `onPublish` may do what must not be done twice; all else `append` and `refuse` find to be a repeat.
      return await (onPublish ? log.once(origin(), decided) : decided())
    } catch (error) {
      onError(error, `publishing into ${quoted(frame.topic)}`)
      // A log that says that it did nothing can be asked again; of any other failure nobody knows what it left behind.
      // Nor of a repeat, what became of it when it was sent first.
      const refused = error instanceof LiveSocketError && error.code === 'refused'
      if ((!refused && !undecided) || age !== undefined) return OUTCOME_UNKNOWN
      return {
        type: 'nack',
        code: LOG_AWAY.code,
        message: LOG_AWAY.message,
        retryAfter: (refused ? error.retryAfter : undefined) ?? 1_000,
      }
    }
  }
}

function nack(code: string, message: string): Nack {
  return { type: 'nack', code, message }
}

function jsonOf(value: unknown): Json | null {
  const text = serialise(value)
  return 'json' in text ? text.json : null
}
