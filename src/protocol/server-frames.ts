import {
  anyText,
  checkPrevious,
  checkText,
  checkWhole,
  decodeFrame,
  duration,
  MAX_EPOCH,
  MAX_TEXT,
  MAX_TOKEN,
  MAX_TOPIC,
  optional,
  own,
  presentData,
  present,
  required,
  text,
  topicMap,
  topicObject,
  whole,
  words,
  type Fields,
} from './fields.js'
import type { AckFrame, MessageFrame, Rejected, ServerFrame, TopicAnswer } from './frames.js'

/**
 * The text of a server's frame. Data that is `undefined` goes as `null`, which is all that JSON has for it. Throws what
 * `JSON.stringify` throws where `data` cannot be written.
 */
export function encodeServerFrame(frame: ServerFrame): string {
  switch (frame.type) {
    case 'welcome':
    case 'subscribed':
      return JSON.stringify({ ...frame, topics: topicObject(frame.topics, wireAnswer) })
    case 'message':
      return JSON.stringify({
        type: frame.type,
        topic: frame.topic,
        offset: frame.offset,
        ...(frame.prev === frame.offset - 1 ? undefined : { prev: frame.prev }),
        id: frame.id,
        by: frame.by,
        ...(frame.hasData ? { data: presentData(frame.data) } : undefined),
      })
    default:
      return JSON.stringify(frame)
  }
}

/**
 * The frame in that text; a rejection that says which field breaks which rule; or null for a type that we do not know,
 * which a receiver ignores. Never throws.
 *
 * @param limit the most characters that are looked at.
 */
export function decodeServerFrame(text: string, limit: number = MAX_TEXT): ServerFrame | Rejected | null {
  return decodeFrame(text, limit, readServerFrame)
}

function readServerFrame(type: string, fields: Fields): ServerFrame | null {
  switch (type) {
    case 'message':
      return readMessage(fields)
    case 'welcome':
      return {
        type,
        server: text(fields, 'server'),
        topics: topicMap(fields, readAnswer),
        ...optional(duration, fields, 'heartbeat'),
        ...optional(duration, fields, 'tokenTtl'),
        ...optional(whole, fields, 'maxFrame', 1),
        ...optional(duration, fields, 'reconnectSpread'),
      }
    case 'subscribed':
      return { type, ...optional(text, fields, 'id'), topics: topicMap(fields, readAnswer) }
    case 'ack':
      return readAck(fields)
    case 'nack':
      return {
        type,
        id: text(fields, 'id'),
        code: text(fields, 'code'),
        message: words(fields, 'message'),
        ...present(fields, 'data'),
        ...optional(duration, fields, 'retryAfter'),
      }
    case 'signal':
      return {
        type,
        id: text(fields, 'id'),
        topic: text(fields, 'topic', MAX_TOPIC),
        data: required(fields, 'data'),
        ...present(fields, 'by'),
      }
    case 'authed':
      return { type, ...optional(duration, fields, 'tokenTtl') }
    case 'token':
      return { type, token: text(fields, 'token', MAX_TOKEN), ...optional(duration, fields, 'tokenTtl') }
    case 'handover':
      return {
        type,
        id: text(fields, 'id'),
        reason: words(fields, 'reason'),
        // A url of any length and shape: one that is refused still asks for a move, to the configured URL.
        ...optional(anyText, fields, 'url'),
        ...optional(duration, fields, 'spread'),
        deadline: duration(fields, 'deadline'),
      }
    case 'handover-cancelled':
      return { type, id: text(fields, 'id') }
    case 'error':
      return {
        type,
        code: text(fields, 'code'),
        message: words(fields, 'message'),
        ...optional(text, fields, 'topic', MAX_TOPIC),
        ...optional(text, fields, 'id'),
        ...optional(duration, fields, 'retryAfter'),
        ...optional(duration, fields, 'spread'),
      }
    case 'pong':
      return { type, ...optional(duration, fields, 'reconnectSpread') }
    default:
      return null
  }
}

function readMessage(fields: Fields): MessageFrame {
  // Each is absent, or the frame's own: see `decodeFrame`. What JSON says is never `undefined`.
  const { data, id, by } = fields
  const topic = checkText(fields['topic'], 'topic', MAX_TOPIC)
  const offset = checkWhole(fields['offset'], 'offset', 1)
  const prev = checkPrevious(fields['prev'], offset)
  if (id === undefined && by === undefined)
    return data === undefined
      ? { type: 'message', topic, offset, prev, hasData: false }
      : { type: 'message', topic, offset, prev, data, hasData: true }
  return {
    type: 'message',
    topic,
    offset,
    prev,
    hasData: data !== undefined,
    ...present(fields, 'data'),
    ...optional(text, fields, 'id'),
    ...present(fields, 'by'),
  }
}

function readAck(fields: Fields): ServerFrame {
  // Absent, or the frame's own, as in a message.
  const { offset, data } = fields
  const frame: { -readonly [Name in keyof AckFrame]: AckFrame[Name] } = { type: 'ack', id: text(fields, 'id') }
  if (offset !== undefined) frame.offset = checkWhole(offset, 'offset', 1)
  const epoch = own(fields, 'epoch')
  if (epoch !== undefined) frame.epoch = checkText(epoch, 'epoch', MAX_EPOCH)
  if (data !== undefined) frame.data = data
  return frame
}

function readAnswer(entry: Fields): TopicAnswer {
  return { epoch: text(entry, 'epoch', MAX_EPOCH), offset: whole(entry, 'offset', 0), after: whole(entry, 'after', 0) }
}

function wireAnswer(answer: TopicAnswer): object {
  return { epoch: answer.epoch, offset: answer.offset, after: answer.after }
}
