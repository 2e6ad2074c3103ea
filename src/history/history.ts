import { HISTORY, type HistoryAnswer } from '../protocol/own-methods.js'
import type { Position } from '../protocol/frames.js'
import type { RequestOptions } from '../requests/requests.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { Message } from '../topics/message.js'

/** Which messages to read, and how many. */
export interface HistoryOptions extends Pick<RequestOptions, 'signal' | 'timeout'> {
  /** How many messages to read: the newest of those before `before`. At most 1,000 come at once. */
  readonly limit: number
  /** Reads messages before this position; a message has its own position. Default: before now. */
  readonly before?: Position
}

/**
 * Reads messages that the topic's history keeps, the oldest first, for paging back beside a running subscription. An
 * empty array means that there are none before that position. Rejects with a `LiveSocketError`: `refused` with the
 * reason `epoch` if the epoch of `before` does not exist any more, `forbidden` if this session may not subscribe to the
 * topic, and as `request` does.
 */
export async function history<Topics extends object, Topic extends keyof Topics & string>(
  socket: LiveSocket<Topics, any, any>,
  topic: Topic,
  { before, limit, signal, timeout }: HistoryOptions = {} as HistoryOptions,
): Promise<Message<Topics[Topic], Topic>[]> {
  const ask = { topic, limit, ...(before && { before: { epoch: before.epoch, offset: before.offset } }) }
  const { epoch, messages } = (await (socket as LiveSocket<any, any>).request(HISTORY, ask, {
    idempotent: true,
    ...(signal && { signal }),
    ...(timeout === undefined ? {} : { timeout }),
  })) as HistoryAnswer
  const leg = socket.store.getState().leg?.number ?? 0
  return messages.map((message) => ({
    ...message,
    data: message.data as Topics[Topic],
    topic,
    epoch,
    leg,
    replayed: true,
  }))
}
