import {
  decodeFrame,
  MAX_EPOCH,
  MAX_TEXT,
  MAX_TOKEN,
  MAX_TOPIC,
  optional,
  own,
  readFields,
  required,
  text,
  topicMap,
  topicNames,
  whole,
  type Fields,
  type FrameTable,
  type Rules,
} from './fields.js'
import type { ClientFrame, Last, Position, Rejected, TopicRequest } from './frames.js'

/** `leave` is said to foreign servers alone. */
type WireFrame = Exclude<ClientFrame, { readonly type: 'leave' }>

/**
 * The frame in that text; a rejection that says which field breaks which rule; or null for a type that we do not know,
 * which a receiver ignores. Never throws.
 *
 * @param limit the most characters that are looked at.
 */
export function decodeClientFrame(text: string, limit: number = MAX_TEXT): ClientFrame | Rejected | null {
  return (text.length <= limit && plainSignal(text)) || decodeFrame(text, limit, FRAMES)
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

const ID = text()
const TOPIC = text(MAX_TOPIC)
const MAYBE = optional(whole())

const POSITION: Rules<Position> = { epoch: text(MAX_EPOCH), offset: whole() }
const LAST = { last: whole(1) }
const REQUESTS = topicMap(readRequest)

const FRAMES: FrameTable<WireFrame> = {
  hello: {
    session: ID,
    leg: whole(1),
    token: optional(text(MAX_TOKEN)),
    topics: REQUESTS,
    handover: optional(ID),
    timeout: MAYBE,
  },
  subscribe: { id: ID, topics: REQUESTS },
  unsubscribe: { topics: topicNames },
  // Clients of before `n` had a name on the wire leave it out.
  publish: { id: ID, topic: TOPIC, n: optional(whole(1)), data: required, age: MAYBE },
  request: { id: ID, method: ID, data: own },
  signal: { id: ID, topic: TOPIC, data: required },
  cancel: { id: ID },
  auth: { token: text(MAX_TOKEN) },
  delayed: { id: ID, retryAfter: MAYBE },
  ping: {},
}

/** `{}`, however many unknown fields are in it, is from now on; half a position is neither. */
function readRequest(entry: Fields): TopicRequest {
  if (own(entry, 'epoch') !== undefined || own(entry, 'offset') !== undefined)
    return readFields<Position>(entry, POSITION)
  return own(entry, 'last') === undefined ? null : readFields<Last>(entry, LAST)
}
