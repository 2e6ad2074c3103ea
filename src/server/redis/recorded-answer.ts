import type { Answer, Nack, Origin } from '../log/topic-log.js'
import { encodeName, type Keys } from './keys.js'
import { answerOf, nackText, placeText } from './record-text.js'
import type { RedisConnection } from './redis-connection.js'
import type { Script } from './script.js'

export interface RecordedAnswerDeps {
  readonly connection: RedisConnection
  readonly script: Script
  readonly keys: Keys
}

/** The recorded answer, which this call may itself determine. If there is none, `nack` is recorded and returned. */
export async function recordedAnswer(
  { connection, script, keys }: RecordedAnswerDeps,
  origin: Origin,
  nack?: Nack,
): Promise<Answer | null> {
  const [, known, now] = await connection.run(script, (root) => ({
    keys: [keys.root, keys.record(root, origin.session), keys.session(origin.session)],
    args: [
      encodeName(origin.id),
      encodeName(origin.place?.topic ?? ''),
      placeText(origin, origin.age, connection.time.atLeast),
      nack ? nackText(nack) : '',
    ],
  }))
  connection.time.heard(now)
  return known ? answerOf(String(known)) : null
}
