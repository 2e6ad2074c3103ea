import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import type { Message, MessageInfo } from '../topics/message.js'
import { givenFunction } from '../options/option-table.js'
import { createFold } from './fold.js'
import type { FoldOptions, Reducer } from './fold-options.js'
import { insidesOf, type Insides } from './insides.js'
import type { CoreSocket, TopicName } from './live-socket.js'
import type { ReadableStore } from './store.js'
import { createStream, type StreamOptions } from './stream.js'
import { checkTopic } from './topic-arguments.js'

/**
 * The messages of the topic, for `for await`, from this call on. A reader that is too slow gets the messages that were
 * waiting and then an `overflow` error, never a silent loss. The end of the live socket is a `closed` error, a refusal
 * of the topic a `forbidden` or `refused` one. `break`, `return()` and the signal end the stream without an error.
 */
export function stream<Topics extends object, Topic extends TopicName<Topics>>(
  socket: CoreSocket<Topics, any, any>,
  topic: Topic,
  options?: StreamOptions,
): AsyncIterableIterator<Message<Topics[Topic], Topic>> {
  checkTopic(topic)
  return createStream(inside(socket), topic, options) as AsyncIterableIterator<never>
}

/**
 * The state that the topic's messages add up to, from `initial` or from what `load` fetches. Every message is folded
 * once and in order, and listeners are called once per animation frame. The topic is subscribed while the fold has
 * listeners and one second longer; a later listener continues where it was.
 */
export function fold<Topics extends object, Topic extends TopicName<Topics>, State>(
  socket: CoreSocket<Topics, any, any>,
  topic: Topic,
  reducer: (state: State, data: Topics[Topic], message: MessageInfo<Topic>) => State,
  initial: State,
  options?: FoldOptions<State>,
): ReadableStore<State> {
  return foldUntil(socket, topic, reducer as Reducer<State>, initial, options)
}

/** Like `fold`, but the subscription lasts `release` milliseconds without listeners. */
export function foldUntil<State>(
  socket: object,
  topic: string,
  reducer: Reducer<State>,
  initial: State,
  options?: FoldOptions<State>,
  release?: number,
): ReadableStore<State> {
  checkTopic(topic)
  givenFunction('reducer', reducer)
  return createFold(inside(socket), topic, reducer, initial, options, release)
}

/** Throws `invalid` for an object that is no live socket of this copy of livesocket. */
export function inside(socket: object): Insides {
  const found = insidesOf(socket)
  if (!found)
    throw new LiveSocketError(
      'invalid',
      explain`This is no live socket that createLiveSocket of this copy of livesocket made. There may be two copies on the page.`,
    )
  return found
}
