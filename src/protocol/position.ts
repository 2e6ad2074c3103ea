import type { Position, TopicRequest } from './frames.js'

/** The position that is asked for; null where it is another place. */
export function positionIn(from: TopicRequest | undefined): Position | null {
  return from && 'epoch' in from ? from : null
}

/** Whether what is up to `b` is also up to `a`. Under different epochs nothing compares, and none reaches the other. */
export function reaches(a: Position | null | undefined, b: Position | null | undefined): boolean {
  return !!a && !!b && a.epoch === b.epoch && a.offset >= b.offset
}
