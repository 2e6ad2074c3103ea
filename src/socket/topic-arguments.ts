import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import { invalid, isObject } from '../options/option-table.js'
import { MAX_EPOCH, MAX_TOPIC } from '../protocol/fields.js'
import type { Last, Position } from '../protocol/frames.js'

export function checkTopic(topic: unknown) {
  if (typeof topic !== 'string' || topic === '' || topic.length > MAX_TOPIC) {
    throw new LiveSocketError('invalid', explain`A topic is a string of 1 to ${MAX_TOPIC} characters.`)
  }
}

export function isPosition(given: unknown): given is Position {
  if (!isObject(given)) return false
  const { epoch, offset } = given as Partial<Position>
  return typeof epoch === 'string' && epoch !== '' && Number.isSafeInteger(offset) && offset! >= 0
}

/** Throws `invalid` for where no topic can begin. */
export function checkStart(given: unknown) {
  const { last } = (given ?? {}) as Partial<Last>
  if (given === undefined || (Number.isSafeInteger(last) && last! > 0)) return
  if (!isPosition(given) || given.epoch.length > MAX_EPOCH)
    throw invalid(
      'from',
      explain`a position { epoch, offset } as a message bears them, or { last: n } with a whole number from 1`,
      given,
    )
}
