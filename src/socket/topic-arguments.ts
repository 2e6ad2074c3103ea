import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import { invalid, isObject, seam } from '../options/option-table.js'
import { MAX_EPOCH, MAX_TOPIC } from '../protocol/fields.js'
import type { Last, Position } from '../protocol/frames.js'

export const MAX_METHOD = 128

/** Throws `invalid` unless the name is a string of 1 to `most` characters. */
export function checkName(what: 'topic' | 'method', name: unknown, most: number) {
  if (typeof name !== 'string' || name === '' || name.length > most)
    throw new LiveSocketError('invalid', explain`A ${what} is a string of 1 to ${most} characters.`)
}

/** Checks a `signal` option: throws `invalid` for anything but an AbortSignal. */
export const abortSignal = seam<AbortSignal>(undefined, 'addEventListener')

export function checkTopic(topic: unknown) {
  checkName('topic', topic, MAX_TOPIC)
}

export function isPosition(given: unknown): given is Position {
  if (!isObject(given)) return false
  const { epoch, offset } = given as Partial<Position>
  return typeof epoch === 'string' && epoch !== '' && Number.isSafeInteger(offset) && offset! >= 0
}

/** Throws `invalid` unless it is undefined, a position, or `{ last: n }` with n from 1. */
export function checkStart(given: unknown) {
  const { last } = (given ?? {}) as Partial<Last>
  if (given === undefined || (Number.isSafeInteger(last) && last! > 0)) return
  if (!isPosition(given) || given.epoch.length > MAX_EPOCH)
    throw invalid(
      'from',
      explain`a position { epoch, offset } as a message has them, or { last: n } with a whole number from 1`,
      given,
    )
}
