import { nanoid } from 'nanoid'
import type { Clock } from '../../base/clock.js'
import type { Keys } from './keys.js'
import { ROLL_SCRIPTS } from './roll-scripts.js'
import type { Script } from './script.js'

/**
 * Which epoch holds. Redis cannot tell by itself: a replica that took over, an older copy, a process that is the master
 * again look as if nothing had ever been there. But every number that anybody was told came through a node. So whenever
 * another Redis than before is the master, be it the same process, every node that was there is called, and says what
 * it last knew of. Where all find that in the log, nothing is missing, and the epoch goes on. Where one does not, or
 * does not come, there is a new one.
 */
export interface RollCall {
  /** That append is in the log. */
  knows(mark: Mark): void
  /** On a connection that has told nothing yet, but for one whose term Redis still has. Rejects when `given up`. */
  join(seat: RollSeat): Promise<Joined>
  /** This node is not called any more. */
  leave(evaluate: RollSeat['evaluate']): Promise<void>
}

/**
 * An append, by its count and by where the feed has it and its stamp. A stamp is given to one append only: a log that
 * has it comes from the one that it was given in, with all that was there before it.
 */
export interface Mark {
  readonly epoch: string
  readonly seq: number
  readonly last: string
}

export interface RollSeat {
  /**
   * The term of this Redis as the master; null where it does not say, and then what this connection was told to find in
   * the root before.
   */
  readonly term: string | null
  evaluate(script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly unknown[]>
  givenUp(): unknown
  /** Others are waited for. */
  waits?(): void
}

export interface Joined {
  readonly epoch: string
  /** What the scripts are to find in the root: the term, or the name of a call. */
  readonly run: string
  readonly appends: number
}

/** How the call stands, as one of those who were called sees it. */
export interface RollCallState {
  /** Whether the log has what this node knows of. `lost`: it does not. `past`: it keeps nothing so old any more. */
  readonly claim: 'found' | 'past' | 'lost'
  /** Nobody else was the master since the epoch was last agreed on. */
  readonly sameTerm: boolean
  /** How many have not said a word. */
  readonly missing: number
  /** For how long, in milliseconds, this node has waited for them. */
  readonly waited: number
  /** The operator's word that nothing is ever lost (true) or that it may be (false). */
  readonly durable: boolean | undefined
}

/**
 * For so long the others are waited for: a node whose connection went silent without a word is back by then, if it is
 * alive.
 */
export const CALL_PATIENCE = 8_000
/** Between two looks. */
const LOOK = 50
/** They are sent with every join. */
const MOST_ENDED = 100

export function verdict({ claim, sameTerm, missing, waited, durable }: RollCallState): 'hold' | 'wait' | 'renew' {
  if (claim === 'lost') return 'renew'
  if (sameTerm) return 'hold'
  if (durable !== undefined) return durable ? 'hold' : 'renew'
  // What nobody can look up any more may be missing.
  if (claim === 'past') return 'renew'
  if (missing === 0) return 'hold'
  return waited < CALL_PATIENCE ? 'wait' : 'renew'
}

/** Where this node is connected another Redis is the master, or the same one anew. */
export class OtherTerm extends Error {
  constructor() {
    super('Redis is another one than a moment ago')
  }
}

/** What a node remembers. */
export interface Memory {
  readonly known: Mark
  /** Epochs that have ended, the newest of them: a log that has one again has gone back. */
  readonly ended: ReadonlySet<string>
}

export const NOTHING_KNOWN: Memory = { known: { epoch: '', seq: 0, last: '' }, ended: new Set() }

export function learn(memory: Memory, mark: Mark): Memory {
  const { known, ended } = memory
  if (mark.epoch === known.epoch) return mark.seq > known.seq ? { known: mark, ended } : memory
  if (ended.has(mark.epoch)) return memory
  return { known: mark, ended: known.epoch === '' ? ended : new Set([...ended, known.epoch].slice(-MOST_ENDED)) }
}

/** Each between spaces. */
export function endedText({ ended }: Pick<Memory, 'ended'>): string {
  return ` ${[...ended].join(' ')} `
}

export interface RollCallDeps {
  readonly keys: Keys
  readonly node: string
  readonly lease: number
  readonly durable: boolean | undefined
  readonly clock: Clock
  readonly time: () => string
  /** What the scripts' clock says now. */
  heard(now: number): void
}

export function createRollCall({ keys, node, lease, durable, clock, time, heard }: RollCallDeps): RollCall {
  let memory: Memory = NOTHING_KNOWN
  let joinedBefore = false
  const knows = (mark: Mark) => void (memory = learn(memory, mark))

  return {
    knows,
    async join({ term, evaluate, givenUp, waits }) {
      const begun = clock.monotonic()
      const { root, feed, members, call } = keys
      for (;;) {
        const broken = givenUp()
        if (broken !== undefined) throw broken
        const { epoch, seq, last } = memory.known
        const [word, holds, run, appends, newest, ...more] = (
          await evaluate(
            ROLL_SCRIPTS.roll,
            [root, feed, members, call, keys.nodes],
            [
              term ?? '',
              node,
              epoch,
              `${seq}`,
              last,
              time(),
              joinedBefore ? '' : `${lease}`,
              nanoid(),
              endedText(memory),
            ],
          )
        ).map(String)
        if (word === 'other') throw new OtherTerm()
        if (word === 'joined') {
          joinedBefore = true
          heard(Number(more[0]))
          knows({ epoch: holds!, seq: Number(appends), last: newest! })
          return { epoch: holds!, run: run!, appends: Number(appends) }
        }
        const [found, same, missing] = more
        const decision = verdict({
          claim: found as RollCallState['claim'],
          sameTerm: same === '1',
          missing: Number(missing),
          waited: clock.monotonic() - begun,
          durable,
        })
        if (decision === 'wait') {
          waits?.()
          await new Promise<void>((resolve) => void clock.setTimeout(resolve, LOOK))
          // It is looked at once more either way: somebody else may have been first.
        } else
          await evaluate(
            ROLL_SCRIPTS.settle,
            [root, feed, members, call],
            [decision, holds!, run!, missing!, nanoid(), time(), keys.tag],
          )
      }
    },
    async leave(evaluate) {
      await evaluate(ROLL_SCRIPTS.leave, [keys.members], [node])
    },
  }
}
