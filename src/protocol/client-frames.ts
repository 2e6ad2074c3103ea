import { presentData, topicObject } from './fields.js'
import type { ClientFrame } from './frames.js'
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
