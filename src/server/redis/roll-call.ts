import { nanoid } from 'nanoid'
import type { Clock } from '../../base/clock.js'
import type { Keys } from './keys.js'
import { ROLL_SCRIPTS } from './roll-scripts.js'
import type { Script } from './script.js'

/**
 * Decides which epoch holds. Redis cannot tell: a replica that took over, an older copy, or a restarted master looks as
 * if nothing had ever been there. But every offset that anybody was told came through a node. So whenever another Redis
 * than before is the master, or the same process again, every node that was connected is called, and says which append
 * it last knew of. If the log has the appends of all of them, nothing is missing, and the epoch continues. If one is
 * missing, or a node does not answer, a new epoch begins.
 */
export interface RollCall {
  /** That append is in the log. */
  knows(mark: Mark): void
  /** Joins on a connection that has reported nothing yet, or whose term Redis still has. Rejects when `givenUp`. */
  join(seat: RollSeat): Promise<Joined>
  /** This node is no longer called. */
  leave(evaluate: RollSeat['evaluate']): Promise<void>
}

/**
 * An append, identified by its count, its place in the feed, and its stamp. A stamp is given to one append only. So a
 * log that contains the stamp descends from the one in which it was given, with everything that was there before.
 */
export interface Mark {
  readonly epoch: string
  readonly seq: number
  readonly last: string
}

export interface RollSeat {
  /**
   * The term of this Redis as the master. Null if Redis does not say; then it is what this connection was told to find
   * in the root before.
   */
  readonly term: string | null
  evaluate(script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly unknown[]>
  givenUp(): unknown
  /** Other nodes are waited for. */
  waits?(): void
}

export interface Joined {
  readonly epoch: string
  /** What the scripts have to find in the root: the term, or the name of a call. */
  readonly run: string
  readonly appends: number
}

/** The state of a call, as one of the called nodes sees it. */
export interface RollCallState {
  /**
   * Whether the log has the append that this node knows of. `lost`: it does not. `past`: it no longer keeps anything
   * that old.
   */
  readonly claim: 'found' | 'past' | 'lost'
  /** No other Redis was the master since the epoch was last agreed on. */
  readonly sameTerm: boolean
  /** How many nodes have not answered. */
  readonly missing: number
  /** For how many milliseconds this node has waited for them. */
  readonly waited: number
  /** The operator's statement that nothing is ever lost (true) or that data may be lost (false). */
  readonly durable: boolean | undefined
}

/**
 * Milliseconds that other nodes are waited for: a node whose connection failed silently is back by then, if it is
 * alive.
 */
export const CALL_PATIENCE = 8_000
/** Milliseconds between two looks. */
const LOOK = 50
/** The most epochs remembered, because they are sent with every join. */
const MOST_ENDED = 100

export function verdict({ claim, sameTerm, missing, waited, durable }: RollCallState): 'hold' | 'wait' | 'renew' {
  if (claim === 'lost') return 'renew'
  if (sameTerm) return 'hold'
  if (durable !== undefined) return durable ? 'hold' : 'renew'
  // What can no longer be looked up may be missing.
  if (claim === 'past') return 'renew'
  if (missing === 0) return 'hold'
  return waited < CALL_PATIENCE ? 'wait' : 'renew'
}

/** Where this node is connected, another Redis is the master, or the same one again. */
export class OtherTerm extends Error {
  constructor() {
    super('Another Redis has become the master, or the same one again')
  }
}

/** What a node remembers. */
export interface Memory {
  readonly known: Mark
  /** The newest epochs that have ended: a log that has one of them again has gone back. */
  readonly ended: ReadonlySet<string>
}

export const NOTHING_KNOWN: Memory = { known: { epoch: '', seq: 0, last: '' }, ended: new Set() }

export function learn(memory: Memory, mark: Mark): Memory {
  const { known, ended } = memory
  if (mark.epoch === known.epoch) return mark.seq > known.seq ? { known: mark, ended } : memory
  if (ended.has(mark.epoch)) return memory
  return { known: mark, ended: known.epoch === '' ? ended : new Set([...ended, known.epoch].slice(-MOST_ENDED)) }
}

/** The epochs, each between spaces. */
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
  /** The time that the scripts' clock says now. */
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
          // The state is read once more in either case: another node may have settled it first.
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
