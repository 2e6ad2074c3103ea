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
  // How old it is, is known when it is sent.
  return text ? text + (age === undefined ? '}' : `,"age":${age}}`) : JSON.stringify(frame)
}

/** A frame up to the JSON text of its data, which need not be read and written once more, or up to its last brace. */
export function frameStart(head: object, hasData: boolean): string {
  const text = JSON.stringify(head).slice(0, -1)
  return hasData ? `${text},"data":` : text
}
