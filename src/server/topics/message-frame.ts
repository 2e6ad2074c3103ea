import { encodeServerFrame } from '../../protocol/server-frames.js'
import type { Answer, Json } from '../log/topic-log.js'
import { encodeText, type Encoded } from './encoded.js'

/** A `message` whose data is already JSON text; without data it only advances the position. */
export function messageFrame(
  topic: string,
  offset: number,
  prev: number,
  data?: Json,
  told?: { readonly id?: string; readonly by?: unknown },
): Encoded {
  return encodeText(
    withData(encodeServerFrame({ ...told, type: 'message', topic, offset, prev, hasData: false }), data),
  )
}

/** A `signal` whose data is already JSON text. */
export function signalFrame(id: string, topic: string, data: Json, by: unknown): Encoded {
  const head = JSON.stringify({ type: 'signal', id, topic, by })
  return encodeText(withData(head, data))
}

/** The `ack` or `nack` for that answer. */
export function answerFrame(id: string, answer: Answer & { readonly retryAfter?: number }): Encoded {
  if (answer.type === 'nack') return encodeText(encodeServerFrame({ ...answer, id }))
  const { data, ...ack } = answer
  return encodeText(withData(encodeServerFrame({ ...ack, id }), data))
}

/**
 * Adds the data to a frame. A frame is a JSON object with at least a type, so its text ends with a brace and is not
 * empty.
 */
function withData(frame: string, data: Json | undefined): string {
  return data === undefined ? frame : `${frame.slice(0, -1)},"data":${data}}`
}
