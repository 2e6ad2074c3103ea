import { setTimeout } from 'node:timers/promises'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Where V8 keeps compiled code: V8 compiles hot functions for minutes, which is not a leak. */
const CODE = ['code_space', 'code_large_object_space', 'trusted_space', 'trusted_large_object_space', 'read_only_space']

let collect: (() => void) | undefined

/** Bytes of the objects that remain after a garbage collection. */
export async function liveHeap(): Promise<number> {
  if (!collect) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  let least = Infinity
  for (let round = 0; round < 3; round++) {
    collect()
    const used = getHeapSpaceStatistics().reduce(
      (sum, space) => sum + (CODE.includes(space.space_name) ? 0 : space.space_used_size),
      0,
    )
    least = Math.min(least, used)
    await setTimeout(5)
  }
  return least
}
