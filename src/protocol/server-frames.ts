import {
  decodeFrame,
  MAX_EPOCH,
  MAX_TEXT,
  MAX_TOKEN,
  MAX_TOPIC,
  optional,
  own,
  presentData,
  previous,
  required,
  text,
  topicMap,
  topicName,
  topicObject,
  whole,
  words,
  type Fields,
} from './fields.js'
import type { MessageFrame, Rejected, ServerFrame, TopicAnswer } from './frames.js'

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
        heartbeat: optional(whole, fields, 'heartbeat'),
        tokenTtl: optional(whole, fields, 'tokenTtl'),
        maxFrame: optional(whole, fields, 'maxFrame', 1),
        reconnectSpread: optional(whole, fields, 'reconnectSpread'),
      }
    case 'subscribed':
      return { type, id: optional(text, fields, 'id'), topics: topicMap(fields, readAnswer) }
    case 'ack':
      return {
        type,
        id: text(fields, 'id'),
        offset: optional(whole, fields, 'offset', 1),
        epoch: optional(text, fields, 'epoch', MAX_EPOCH),
        data: own(fields, 'data'),
      }
    case 'nack':
      return {
        type,
        id: text(fields, 'id'),
        code: text(fields, 'code'),
        message: words(fields, 'message'),
        data: own(fields, 'data'),
        retryAfter: optional(whole, fields, 'retryAfter'),
      }
    case 'signal':
      return {
        type,
        id: text(fields, 'id'),
        topic: topicName(fields),
        data: required(fields, 'data'),
        by: own(fields, 'by'),
      }
    case 'authed':
      return { type, tokenTtl: optional(whole, fields, 'tokenTtl') }
    case 'token':
      return { type, token: text(fields, 'token', MAX_TOKEN), tokenTtl: optional(whole, fields, 'tokenTtl') }
    case 'handover':
      return {
        type,
        id: text(fields, 'id'),
        reason: words(fields, 'reason'),
        // A url of any length and shape: one that is refused still asks for a handover, to the configured URL.
        url: optional(text, fields, 'url', MAX_TEXT, 0),
        spread: optional(whole, fields, 'spread'),
        deadline: whole(fields, 'deadline'),
      }
    case 'handover-cancelled':
      return { type, id: text(fields, 'id') }
    case 'error':
      return {
        type,
        code: text(fields, 'code'),
        message: words(fields, 'message'),
        topic: optional(text, fields, 'topic', MAX_TOPIC),
        id: optional(text, fields, 'id'),
        retryAfter: optional(whole, fields, 'retryAfter'),
        spread: optional(whole, fields, 'spread'),
      }
    case 'pong':
      return { type, reconnectSpread: optional(whole, fields, 'reconnectSpread') }
    default:
      return null
  }
}

function readMessage(fields: Fields): MessageFrame {
  const offset = whole(fields, 'offset', 1)
  const data = own(fields, 'data')
  return {
    type: 'message',
    topic: topicName(fields),
    offset,
    prev: previous(fields, offset),
    data,
    // What JSON says is never `undefined`.
    hasData: data !== undefined,
    id: optional(text, fields, 'id'),
    by: own(fields, 'by'),
  }
}

function readAnswer(entry: Fields): TopicAnswer {
  return { epoch: text(entry, 'epoch', MAX_EPOCH), offset: whole(entry, 'offset', 0), after: whole(entry, 'after', 0) }
}

function wireAnswer(answer: TopicAnswer): object {
  return { epoch: answer.epoch, offset: answer.offset, after: answer.after }
}
