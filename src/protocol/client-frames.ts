import { topicObject } from './fields.js'
import type { ClientFrame } from './frames.js'
import { byteLength } from './json.js'

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

/** A frame up to its last brace, with data that is JSON text by now: it need not be read and written once more. */
export function frameText(head: object, json: string | undefined): string {
  const text = JSON.stringify(head).slice(0, -1)
  return json === undefined ? text : `${text},"data":${json}`
}

/** Of a frame that is such text. */
export function frameBytes({ text }: { readonly text: string }): number {
  return byteLength(text) + '}'.length
}
