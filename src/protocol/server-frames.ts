import {
  decodeFrame,
  MAX_EPOCH,
  MAX_TEXT,
  MAX_TOKEN,
  MAX_TOPIC,
  MAX_WORDS,
  optional,
  own,
  presentData,
  previous,
  readFields,
  required,
  text,
  topicMap,
  topicObject,
  whole,
  type Fields,
  type FrameTable,
  type Rules,
} from './fields.js'
import type { MessageFrame, Rejected, ServerFrame, TopicAnswer } from './frames.js'

/** `drained` comes from foreign servers only. */
type WireFrame = Exclude<ServerFrame, { readonly type: 'drained' }>

/**
 * The text of a server's frame. Data that is `undefined` is sent as `null`, the closest JSON value. Throws what
 * `JSON.stringify` throws if `data` cannot be written.
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
 * The frame in that text; or a rejection that says which field breaks which rule; or null for an unknown type, which a
 * receiver ignores. Never throws.
 *
 * @param limit the longest text, in characters, that is read at all.
 */
export function decodeServerFrame(text: string, limit: number = MAX_TEXT): ServerFrame | Rejected | null {
  return decodeFrame(text, limit, FRAMES)
}

const ID = text()
const TOPIC = text(MAX_TOPIC)
const EPOCH = text(MAX_EPOCH)
/** For people, so it may be empty. */
const WORDS = text(MAX_WORDS, 0)
const NUMBER = whole()
const FROM_ONE = whole(1)
const MAYBE_ID = optional(ID)
const MAYBE = optional(NUMBER)

const ANSWER: Rules<TopicAnswer> = { epoch: EPOCH, offset: NUMBER, after: NUMBER }
const ANSWERS = topicMap((entry) => readFields(entry, ANSWER))

const FRAMES: FrameTable<WireFrame> = {
  message: readMessage,
  welcome: {
    server: ID,
    topics: ANSWERS,
    heartbeat: MAYBE,
    tokenTtl: MAYBE,
    maxFrame: optional(FROM_ONE),
    reconnectSpread: MAYBE,
  },
  subscribed: { id: MAYBE_ID, topics: ANSWERS },
  ack: { id: ID, offset: optional(FROM_ONE), epoch: optional(EPOCH), data: own },
  nack: { id: ID, code: ID, message: WORDS, data: own, retryAfter: MAYBE },
  signal: { id: ID, topic: TOPIC, data: required, by: own },
  authed: { tokenTtl: MAYBE },
  token: { token: text(MAX_TOKEN), tokenTtl: MAYBE },
  // The url may have any length and form: a handover whose url is refused goes to the configured URL.
  handover: { id: ID, reason: WORDS, url: optional(text(MAX_TEXT, 0)), spread: MAYBE, deadline: NUMBER },
  'handover-cancelled': { id: ID },
  error: {
    code: ID,
    message: WORDS,
    topic: optional(TOPIC),
    id: MAYBE_ID,
    retryAfter: MAYBE,
    spread: MAYBE,
  },
  pong: { reconnectSpread: MAYBE },
}

/** A function of its own, since most frames are messages: an object literal is created faster than field by field. */
function readMessage(fields: Fields): MessageFrame {
  const offset = FROM_ONE(fields, 'offset')
  const data = own(fields, 'data')
  return {
    type: 'message',
    topic: TOPIC(fields, 'topic'),
    offset,
    prev: previous(fields, offset),
    data,
    // A JSON value is never `undefined`.
    hasData: data !== undefined,
    id: MAYBE_ID(fields, 'id'),
    by: own(fields, 'by'),
  }
}

function wireAnswer(answer: TopicAnswer): object {
  return { epoch: answer.epoch, offset: answer.offset, after: answer.after }
}
