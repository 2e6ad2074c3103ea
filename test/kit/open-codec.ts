import type { Rejected, ServerFrame } from '../../src/protocol/frames.js'
import type { Codec, Protocol, WireData } from '../../src/protocol/protocol.js'
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.js'

/** The codec of an open leg whose `connectTimeout` is 10 s. */
export interface OpenCodec extends Codec {
  readonly clock: SimulatedClock
  /** What the codec has sent on its own since the previous call. */
  replies(): readonly WireData[]
  /** What the codec has reported on its own since the previous call. */
  told(): readonly (ServerFrame | Rejected)[]
}

export function openCodec(protocol: Protocol): OpenCodec {
  const clock = createSimulatedClock()
  const put: WireData[] = []
  const accepted: (ServerFrame | Rejected)[] = []
  const codec = protocol.open({
    clock,
    put(data) {
      put.push(...(typeof data === 'string' || data instanceof ArrayBuffer ? [data] : data))
      return true
    },
    accept: (frame) => void accepted.push(frame),
    invalid: (rejected) => void accepted.push(rejected),
    timeLeft: (times) => times * 10_000,
  })
  return Object.assign(codec, { clock, replies: () => put.splice(0), told: () => accepted.splice(0) })
}
