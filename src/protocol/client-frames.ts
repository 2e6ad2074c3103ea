import {
  decodeFrame,
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
import { byteLength } from './json.js'

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
    case 'signal':
      return writtenText(frame) ?? JSON.stringify({ ...frame, data: presentData(frame.data) })
    case 'request':
      return writtenText(frame) ?? JSON.stringify(frame)
    default:
      return JSON.stringify(frame)
  }
}

/** A frame up to its last brace, with data that is JSON text by now: it need not be read and written once more. */
export function frameText(head: object, json: string | undefined): string {
  const text = JSON.stringify(head).slice(0, -1)
  return json === undefined ? text : `${text},"data":${json}`
}

/** Of a frame that is such text. */
export function frameBytes({ text }: { readonly text: string }): number {
  return byteLength(text) + '}'.length
}

/** How old it is, is known when it is sent. */
function writtenText({ text, age }: { readonly text?: string | undefined; readonly age?: number | undefined }) {
  return text && text + (age === undefined ? '}' : `,"age":${age}}`)
}

/**
 * The frame in that text; a rejection that says which field breaks which rule; or null for a type that we do not know,
 * which a receiver ignores. Never throws.
 *
 * @param limit the most characters that are looked at.
 */
export function decodeClientFrame(text: string, limit: number = MAX_TEXT): ClientFrame | Rejected | null {
  return (text.length <= limit && plainSignal(text)) || decodeFrame(text, limit, readClientFrame)
}

/** How clients write a signal up to its data, which comes last: neither its id nor its topic has anything escaped. */
const SIGNAL = /^\{"type":"signal","id":"([\w.-]{1,128})","topic":"([ -!#-[\]-\uffff]{1,256})","data":/

/**
 * Whoever signals does so some sixty times a second, and waits for no answer: of the text only the data is parsed. Null:
 * it is not written like that, or is no signal.
 */
function plainSignal(text: string): ClientFrame | null {
  const [head, id, topic] = SIGNAL.exec(text) ?? []
  if (head === undefined || !text.endsWith('}')) return null
  try {
    return { type: 'signal', id: id!, topic: topic!, data: JSON.parse(text.slice(head.length, -1)) as unknown }
  } catch {
    return null
  }
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
        timeout: optional(whole, fields, 'timeout'),
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
        age: optional(whole, fields, 'age'),
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
      return { type, id: text(fields, 'id'), retryAfter: optional(whole, fields, 'retryAfter') }
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
