import { byteLength } from '../protocol/json.js'
import type { TopicRequest } from '../protocol/frames.js'

/**
 * The most bytes of topics in a `hello`, and in any frame to a server that names no `maxFrame`. A `hello` is sent
 * before a `welcome` can say what the server accepts, and one that is too large ends the leg, on every attempt. Every
 * server accepts this much beside a token of 64 KiB, even with its smallest `maxFrame`.
 */
const SAFE = 32_768
/** Bytes reserved for the rest of a frame. */
const BESIDES = 256

/** Whether the frame has room for one more topic. Once there is no room, there is none for later topics either. */
export type FrameRoom = (name: string, request?: TopicRequest) => boolean

/** `maxFrame`: the largest frame that the server accepts, in bytes, if it says so. */
export function roomInFrame(maxFrame = SAFE): FrameRoom {
  let bytes = maxFrame - BESIDES
  return (name, request) => bytes >= 0 && (bytes -= byteLength(JSON.stringify([name, request]))) >= 0
}
