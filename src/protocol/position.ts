import type { TopicRequest } from './frames.js'

/**
 * Whether what is up to `b` is also up to `a`. Under different epochs nothing compares, and none reaches the other; nor
 * does what is no position.
 */
export function reaches(a: TopicRequest | undefined, b: TopicRequest | undefined): boolean {
  return !!a?.epoch && a.epoch === b?.epoch && a.offset >= b.offset
}
