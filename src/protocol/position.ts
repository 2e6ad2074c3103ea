import type { TopicRequest } from './frames.js'

/**
 * Whether position `a` is at or after position `b`. False if the epochs differ, since such positions cannot be
 * compared, or if either is no position.
 */
export function reaches(a: TopicRequest | undefined, b: TopicRequest | undefined): boolean {
  return !!a?.epoch && a.epoch === b?.epoch && a.offset >= b.offset
}
