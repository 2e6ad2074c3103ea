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

/** `leave` is sent to foreign servers only. */
type WireFrame = Exclude<ClientFrame, { readonly type: 'leave' }>

/**
 * The frame in that text; or a rejection that says which field breaks which rule; or null for an unknown type, which a
 * receiver ignores. Never throws.
 *
 * @param limit the longest text, in characters, that is read at all.
 */
export function decodeClientFrame(text: string, limit: number = MAX_TEXT): ClientFrame | Rejected | null {
  return (text.length <= limit && plainSignal(text)) || decodeFrame(text, limit, FRAMES)
}

/** How clients write a signal up to its data, which comes last. Neither id nor topic contains an escape. */
const SIGNAL = /^\{"type":"signal","id":"([\w.-]{1,128})","topic":"([ -!#-[\]-\uffff]{1,256})","data":/

/**
 * A client that signals does so about sixty times a second and waits for no answer, so only the data is parsed. Null if
 * the text is not written like this, or is no signal.
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
  // Clients older than the field `n` omit it.
  publish: { id: ID, topic: TOPIC, n: optional(whole(1)), data: required, age: MAYBE },
  request: { id: ID, method: ID, data: own },
  signal: { id: ID, topic: TOPIC, data: required },
  cancel: { id: ID },
  auth: { token: text(MAX_TOKEN) },
  delayed: { id: ID, retryAfter: MAYBE },
  ping: {},
}

/** `{}`, whatever unknown fields it has, means "from now on". Half a position is invalid. */
function readRequest(entry: Fields): TopicRequest {
  if (own(entry, 'epoch') !== undefined || own(entry, 'offset') !== undefined)
    return readFields<Position>(entry, POSITION)
  return own(entry, 'last') === undefined ? null : readFields<Last>(entry, LAST)
}
