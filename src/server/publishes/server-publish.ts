import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { MAX_TOPIC } from '../../protocol/fields.js'
import type { Position } from '../../protocol/frames.js'
import { isOwnTopic } from '../../protocol/own-topics.js'
import { serialise } from '../../protocol/json.js'
import { textOf } from '../bounds.js'
import type { DeliveryTimes } from '../delivery-times.js'
import type { TopicLog } from '../log/topic-log.js'
import type { PublishThrottle } from './publish-throttle.js'

/** Publishes as the server itself. Rejects with `invalid` or `too-large`, or with the log's error. */
export function createServerPublish({
  log,
  throttle,
  times,
  clock,
  maxFrame,
}: {
  readonly log: TopicLog
  readonly throttle: PublishThrottle
  readonly times: DeliveryTimes
  readonly clock: Clock
  readonly maxFrame: number
}): (topic: string, data: unknown) => Promise<Position> {
  return async (topic, data) => {
    textOf('A topic', topic, MAX_TOPIC, 1)
    if (isOwnTopic(topic))
      throw new LiveSocketError('invalid', 'Topics whose names begin with livesocket. are the server’s own', { topic })
    const text = serialise(data)
    if ('invalid' in text)
      throw new LiveSocketError('invalid', `The data cannot be published: ${text.invalid}`, {
        topic,
        cause: text.cause,
      })
    if (Buffer.byteLength(text.json) > maxFrame)
      throw new LiveSocketError('too-large', `The data has more than limits.maxFrame, ${maxFrame} bytes`, { topic })
    const from = clock.monotonic()
    const append = () => log.append({ topic, data: text.json })
    const { answer, epoch } = await throttle.run(topic, text.json.length, () => times.append(topic, from, append))
    if (answer.type === 'nack') throw new LiveSocketError('refused', answer.message, { topic })
    return { epoch: epoch!, offset: answer.offset! }
  }
}
