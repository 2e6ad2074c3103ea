import {
  decodeFrame,
  duration,
  MAX_EPOCH,
  MAX_TEXT,
  MAX_TOKEN,
  optional,
  own,
  presentData,
  required,
  text,
  topicMap,
  topicName,
  topicNames,
  topicObject,
  whole,
  type Fields,
} from './fields.js'
import type { ClientFrame, Rejected, TopicRequest } from './frames.js'

/**
 * The text of a client's frame. Data that is `undefined` goes as `null`, which is all that JSON has for it. Throws what
 * `JSON.stringify` throws where `data` cannot be written: whoever takes data from an application finds that out first.
 */
export function encodeClientFrame(frame: ClientFrame): string {
  switch (frame.type) {
    case 'hello':
    case 'subscribe':
      return JSON.stringify({ ...frame, topics: topicObject(frame.topics, (request) => request ?? {}) })
    case 'publish':
      return encodePublish(frame)
    default:
      return JSON.stringify(frame)
  }
}

/** Spliced, so that data which is JSON text by now is not read and written once more. */
function encodePublish(frame: ClientFrame & { readonly type: 'publish' }): string {
  const { id, topic, n, age } = frame
  const json = frame.json ?? JSON.stringify(presentData(frame.data)) ?? 'null'
  const name = `"id":${JSON.stringify(id)},"topic":${JSON.stringify(topic)}`
  return `{"type":"publish",${name}${n === undefined ? '' : `,"n":${n}`},"data":${json}${age === undefined ? '' : `,"age":${age}`}}`
}

/**
 * The frame in that text; a rejection that says which field breaks which rule; or null for a type that we do not know,
 * which a receiver ignores. Never throws.
 *
 * @param limit the most characters that are looked at.
 */
export function decodeClientFrame(text: string, limit: number = MAX_TEXT): ClientFrame | Rejected | null {
  return decodeFrame(text, limit, readClientFrame)
}

function readClientFrame(type: string, fields: Fields): ClientFrame | null {
  switch (type) {
    case 'hello':
      return {
        type,
        session: text(fields, 'session'),
        leg: whole(fields, 'leg', 1),
        token: optional(text, fields, 'token', MAX_TOKEN),
        topics: topicMap(fields, readRequest),
        handover: optional(text, fields, 'handover'),
        timeout: optional(duration, fields, 'timeout'),
      }
    case 'subscribe':
      return { type, id: text(fields, 'id'), topics: topicMap(fields, readRequest) }
    case 'unsubscribe':
      return { type, topics: topicNames(fields) }
    case 'publish':
      return {
        type,
        id: text(fields, 'id'),
        topic: topicName(fields),
        // Clients of before it had a name on the wire leave it out.
        n: optional(whole, fields, 'n', 1),
        data: required(fields, 'data'),
        age: optional(duration, fields, 'age'),
      }
    case 'request':
      return { type, id: text(fields, 'id'), method: text(fields, 'method'), data: own(fields, 'data') }
    case 'signal':
      return { type, id: text(fields, 'id'), topic: topicName(fields), data: required(fields, 'data') }
    case 'cancel':
      return { type, id: text(fields, 'id') }
    case 'auth':
      return { type, token: text(fields, 'token', MAX_TOKEN) }
    case 'delayed':
      return { type, id: text(fields, 'id'), retryAfter: optional(duration, fields, 'retryAfter') }
    case 'ping':
      return { type }
    default:
      return null
  }
}

/** `{}`, however many unknown fields are in it, is from now on; half a position is neither. */
function readRequest(entry: Fields): TopicRequest {
  if (own(entry, 'epoch') === undefined && own(entry, 'offset') === undefined)
    return own(entry, 'last') === undefined ? null : { last: whole(entry, 'last', 1) }
  return { epoch: text(entry, 'epoch', MAX_EPOCH), offset: whole(entry, 'offset', 0) }
}
