import { topicObject } from './fields.js'
import type { ClientFrame } from './frames.js'

/**
 * The text of a client's frame. A publish, request or signal whose text was made when its data was taken uses that
 * text. Throws what `JSON.stringify` throws for data that cannot be written, so code that accepts an application's data
 * must check it first.
 */
export function encodeClientFrame(frame: ClientFrame): string {
  if (frame.type === 'hello' || frame.type === 'subscribe')
    return JSON.stringify({ ...frame, topics: topicObject(frame.topics, (request) => request ?? {}) })
  const { text, age } = frame as Partial<Extract<ClientFrame, { readonly type: 'publish' }>>
  if (!text) return JSON.stringify(frame)
  // The age is known only at sending.
  return age === undefined ? text : `${text.slice(0, -1)},"age":${age}}`
}
