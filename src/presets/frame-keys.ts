import type { WireData } from '../protocol/protocol.js'

/** Frames that were cut out of data are passed on as keys, so that each is parsed only once. */
export interface FrameKeys<Frame extends object> {
  keyOf(frame: Frame): WireData
  frameOf(data: WireData): Frame | undefined
}

export function frameKeys<Frame extends object>(): FrameKeys<Frame> {
  const frames = new WeakMap<object, Frame>()
  return {
    keyOf(frame) {
      const key = new ArrayBuffer(0)
      frames.set(key, frame)
      return key
    },
    frameOf: (data) => (typeof data === 'string' ? undefined : frames.get(data)),
  }
}
