import { byteLength } from '../protocol/json.js'
import type { TopicRequest } from '../protocol/frames.js'

/**
 * Bytes of topics in a `hello`, and in any frame to a server that names no `maxFrame`: it comes before a `welcome` could
 * tell what its server reads, and one that is too large ends the leg, each time again. Every server reads a token, 64
 * KiB, with its smallest `maxFrame`.
 */
const SAFE = 32_768
/** What is in a frame besides its topics. */
const BESIDES = 256

/** Whether the frame has room for one more topic; where it has none, there is none for those after it. */
export type FrameRoom = (name: string, request?: TopicRequest) => boolean

/** `maxFrame`: the largest frame that the server reads, in bytes, where it says. */
export function roomInFrame(maxFrame = SAFE): FrameRoom {
  let bytes = maxFrame - BESIDES
  return (name, request) => bytes >= 0 && (bytes -= byteLength(JSON.stringify([name, request]))) >= 0
}
