import { HISTORY, type HistoryAnswer } from '../protocol/own-methods.js'
import type { Position } from '../protocol/frames.js'
import type { RequestOptions } from '../requests/requests.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { Message } from '../topics/message.js'

/** Which messages are wanted, and how many. */
export interface HistoryOptions extends Pick<RequestOptions, 'signal' | 'timeout'> {
  /** The newest so many of those before it; at most 1,000 come at once. */
  readonly limit: number
  /** Before this message, which bears its own position; default: before now. */
  readonly before?: Position
}

/**
 * Messages that the topic's history keeps, the oldest first: for paging back, beside a subscription that goes on. An
 * empty array: there are none before that. Rejects with a `LiveSocketError`: `refused` with the reason `epoch` where
 * `before` is of a numbering that is no more, `forbidden` to who may not subscribe, and as `request` does.
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
