import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import { MAX_EPOCH, MAX_TOPIC } from '../protocol/fields.js'
import type { Last, Position } from '../protocol/frames.js'

export function checkTopic(topic: unknown) {
  if (typeof topic !== 'string' || topic === '' || topic.length > MAX_TOPIC) {
    throw new LiveSocketError('invalid', explain`A topic is a string of 1 to ${MAX_TOPIC} characters.`)
  }
}

export function checkFrom(from: unknown) {
  if (from === undefined) return
  const { last } = (from ?? {}) as Partial<Last>
  if (last !== undefined && Number.isSafeInteger(last) && last > 0) return
  const { epoch, offset } = (from ?? {}) as Partial<Position>
  if (
    typeof epoch !== 'string' ||
    epoch === '' ||
    epoch.length > MAX_EPOCH ||
    !Number.isSafeInteger(offset) ||
    offset! < 0
  ) {
    throw new LiveSocketError(
      'invalid',
      explain`\`from\` is a position { epoch, offset } as a message bears them, or { last: n } with a whole number from 1.`,
    )
  }
}
