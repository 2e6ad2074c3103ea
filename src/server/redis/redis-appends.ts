import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { keyOf } from '../log/publish-record.js'
import { entryOf } from '../log/topic-history.js'
import type { LogEntry, NewEntry, Recorded } from '../log/topic-log.js'
import { createAppendOrder, type AppendPlace } from './append-order.js'
import { entryText } from './entry-text.js'
import { encodeName, type Keys } from './keys.js'
import { answerOf, placeText } from './record-text.js'
import type { RedisConnection } from './redis-connection.js'
import { replyCode } from './redis-failure.js'
import { CALL_PATIENCE } from './roll-call.js'
import type { Script } from './script.js'
import type { Sleep } from './sleep.js'

export interface RedisAppendsDeps {
  readonly connection: RedisConnection
  readonly script: Script
  readonly keys: Keys
  readonly node: string
  readonly clock: Clock
  readonly sleep: Sleep
  /** This node has appended it. */
  appended(topic: string, epoch: string, entry: LogEntry): void
}

/**
 * Milliseconds: a publish whose connection broke is sent again under its id for as long as a closing leg waits for
 * answers.
 */
const ASK_AGAIN = 5_000
/** Milliseconds between two tries of an append that was refused meanwhile. */
const PAUSE = 50

/** The state of one append. */
interface Attempt {
  readonly entry: NewEntry
  readonly place: AppendPlace | undefined
  readonly begun: number
  /** Why its first try has no answer: Redis may have applied it. */
  broken: unknown
  /** The epoch that it was last sent under. */
  under: string
}

/**
 * Appends that end with one answer, whatever happens to the connection meanwhile: each is sent again under its id, and
 * a session's appends stay in order.
 */
export function createRedisAppends({ connection, script, keys, node, clock, sleep, appended }: RedisAppendsDeps) {
  const order = createAppendOrder(() => connection.generation)
  /** Each append has a new stamp each time that it is sent. */
  let stamped = 0

  function send(attempt: Attempt) {
    const { topic, data, origin, answer, about } = attempt.entry
    return connection.run(
      script,
      (root) => ({
        keys: [
          keys.root,
          keys.feed,
          keys.topics(root),
          keys.record(root, origin?.session ?? ''),
          keys.session(origin?.session ?? ''),
          keys.topic((attempt.under = root), topic),
        ],
        args: [
          encodeName(topic),
          entryText(data, about),
          origin ? encodeName(origin.id) : '',
          placeNow(attempt),
          answer === undefined ? '' : `:${answer}`,
          `${node.slice(0, 8)}.${(++stamped).toString(36)}`,
        ],
      }),
      attempt.place?.send,
    )
  }

  function placeNow({ entry: { origin }, begun, broken }: Attempt): string {
    const waited = clock.monotonic() - begun
    // When it is sent again, it counts as a repeat: if its first answer was lost with Redis's data, the append must not
    // be taken for never applied.
    const repeat = broken !== undefined || origin?.age !== undefined
    const written = connection.time.atLeast
    return repeat
      ? placeText(origin, (origin?.age ?? 0) + waited + 1, written)
      : placeText(origin, undefined, written, waited)
  }

  async function once(attempt: Attempt): Promise<Recorded> {
    const called = connection.called()
    if (called) await called
    const { place, entry } = attempt
    // While Redis is away the append is refused at once, whatever became of earlier ones.
    const reply = await (place && connection.here ? place.send(() => send(attempt)) : send(attempt))
    const [outcome, text, seq, epoch, offset, last] = reply
    connection.time.heard(reply.at(-1))
    if (outcome === 'new') {
      connection.knows({ epoch: attempt.under, seq: Number(seq), last: String(last) })
      appended(entry.topic, String(epoch), entryOf(Number(offset), entry.data, entry.about))
    }
    return {
      answer: answerOf(String(text)),
      repeat: outcome === 'repeat',
      ...(entry.origin ? undefined : { epoch: String(epoch) }),
    }
  }

  /** Returns if another try makes sense; otherwise throws the outcome of the append. */
  async function recover(attempt: Attempt, error: unknown) {
    const refused = error instanceof LiveSocketError && error.code === 'refused'
    if (attempt.broken === undefined && refused) throw error
    // Redis itself failed in the middle of the script: sent again, it might apply half of it twice.
    if (!refused && replyCode((error as LiveSocketError).cause) !== '') throw error
    attempt.broken ??= error
    const left = attempt.begun + ASK_AGAIN - clock.monotonic()
    if (!attempt.entry.origin || !(await isBack(left))) throw attempt.broken
    if (refused) await sleep(PAUSE)
  }

  /** If Redis is there and only waits for other nodes, that is soon over. */
  async function isBack(left: number): Promise<boolean> {
    if (left > 0 && (await connection.back(left))) return true
    await connection.called()
    return connection.here && left > -CALL_PATIENCE
  }

  return async function append(entry: NewEntry): Promise<Recorded> {
    const { origin, topic } = entry
    const place = origin && order.enter(keyOf({ session: origin.session, id: topic }))
    const attempt: Attempt = { entry, place, begun: clock.monotonic(), broken: undefined, under: '' }
    try {
      for (;;) {
        try {
          return await once(attempt)
        } catch (error) {
          await recover(attempt, error)
        }
      }
    } finally {
      place?.leave()
    }
  }
}
