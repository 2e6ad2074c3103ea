import { topicObject } from './fields.js'
import type { ClientFrame } from './frames.js'

/**
 * The text of a client's frame: what was written of it when it was given, where that was. Throws what `JSON.stringify`
 * throws where data cannot be written: whoever takes data from an application finds that out first.
 */
export function encodeClientFrame(frame: ClientFrame): string {
  if (frame.type === 'hello' || frame.type === 'subscribe')
    return JSON.stringify({ ...frame, topics: topicObject(frame.topics, (request) => request ?? {}) })
  const { text, age } = frame as Partial<Extract<ClientFrame, { readonly type: 'publish' }>>
  if (!text) return JSON.stringify(frame)
  // How old it is, is known when it is sent.
  return age === undefined ? text : `${text.slice(0, -1)},"age":${age}}`
}
