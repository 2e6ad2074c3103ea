import { createFold } from '../../src/socket/fold.js'
import type { FoldOptions } from '../../src/socket/fold-options.js'
import { Emitter } from '../../src/base/emitter.js'
import type { LiveSocketEvents } from '../../src/handover/events.js'
import { createMerge } from '../../src/topics/merge.js'
import { createSubscriptions } from '../../src/topics/subscriptions.js'
import type { MessageFrame, Position, TopicAnswer, TopicRequests } from '../../src/protocol/frames.js'
import type { Snapshot } from '../../src/socket/snapshot-load.js'
import { idleState, type ReadableStore } from '../../src/socket/store.js'
import { createStepClock } from '../kit/step-clock.js'

const TOPIC = 'orders'

/** The parts of a world, besides one fold on one topic that a real merge feeds. */
export interface World {
  readonly messages: number
  /** Whether the fold loads. Otherwise it begins with the first message after its subscription. */
  readonly load: boolean
  /** Events that happen once each, at any time. */
  readonly happenings?: readonly Happening[]
  /** How many messages may be held. */
  readonly maxHeld?: number
  /** The first time, the API reads from a copy that is this many messages behind. */
  readonly lag?: number
  /** How many loads fail, or never answer, before one succeeds. */
  readonly failures?: number
  readonly hung?: number
  /** Every second message is not for this client. */
  readonly hidden?: boolean
  /** Another subscriber has the topic already. */
  readonly others?: boolean
  /** How often time may pass although something else could happen first. */
  readonly waits?: number
}

/**
 * - `move`: a second leg is dialled; from its welcome on both serve, until the old one goes.
 * - `break`: the leg dies with everything that is under way, and another one is dialled.
 * - `trim`: the log forgets its messages.
 * - `epoch`: the topic starts a new epoch, without history.
 * - `leave`, `return`: the fold's listener leaves, and comes back; `rewind`: another subscriber comes, from the start
 *   of the log.
 */
export type Happening = 'move' | 'break' | 'trim' | 'epoch' | 'leave' | 'return' | 'rewind'

interface ServerLeg {
  readonly number: number
  /** Frames under way to the client. */
  readonly down: { readonly text: string; readonly arrive: () => void }[]
  /** The offset up to which the topic was sent; null while it is not subscribed. */
  sent: number | null
}

/** A wrong fold can be given here, to show that the search notices. */
export type CreateFold = typeof createFold

export interface Run {
  /** How many choices there were at each step. */
  readonly widths: readonly number[]
  readonly taken: readonly number[]
  readonly steps: readonly string[]
  readonly problem: string | null
}

/**
 * Lives through one order of events: at each step the next number of `path` selects one of the possible events, and
 * after its end the first one. It stops early if `seen` has the state already: the client has received the same in the
 * same order, and the world is the same.
 */
export async function live(
  world: World,
  path: readonly number[],
  seen: Set<string>,
  create: CreateFold = createFold,
): Promise<Run> {
  const clock = createStepClock({ frames: false })
  const history: { readonly epoch: string; readonly offset: number; readonly hidden: boolean }[] = []
  const kept: { epoch: string; oldest: number } = { epoch: 'a', oldest: 1 }
  let epoch = 'a'
  let head = 0
  let legs: ServerLeg[] = []
  let legNumber = 0
  let gaps = 0
  const events = new Emitter<Pick<LiveSocketEvents, 'gap'>>((thrown) => {
    throw thrown
  })

  const subscriptions = createSubscriptions({
    get merge() {
      return merge
    },
    threw(error) {
      throw error
    },
  })
  /** Everything that the client has received: client code can distinguish two orders by nothing else. */
  const heard: string[] = []
  let ids = 0
  const merge = createMerge(
    { clock, id: () => `s${++ids}`, gapTimeout: 250, maxMessages: 100, maxBytes: 100_000 },
    {
      deliver: (data, info) => subscriptions.deliver(data, info),
      gap(gap) {
        gaps++
        events.emit('gap', gap)
      },
      subscribe(number, id, topics) {
        const leg = legs.find((one) => one.number === number)
        const answers = leg && answer(leg, topics)
        if (!leg) return
        leg.down.push({
          text: `subscribed ${id} ${show(answers!)}`,
          arrive: () => merge.subscribed(number, id, answers!),
        })
        pump(leg)
      },
      unsubscribe(number, topics) {
        const leg = legs.find((one) => one.number === number)
        if (leg && topics.includes(TOPIC)) leg.sent = null
      },
      serving: null,
      overflow: () => false,
      invalid: (_, reason) => void (problem ??= reason),
      answered: (topic, position) => subscriptions.answered(topic, position),
    },
  )

  function answer(leg: ServerLeg, topics: TopicRequests): Map<string, TopicAnswer> {
    if (!topics.has(TOPIC)) return new Map()
    const asked = topics.get(TOPIC)! as Position | null
    const oldest = kept.epoch === epoch ? kept.oldest - 1 : 0
    const after = !asked ? head : asked.epoch === epoch ? Math.max(asked.offset, oldest) : oldest
    leg.sent = after
    return new Map([[TOPIC, { epoch, offset: head, after }]])
  }

  function pump(leg: ServerLeg) {
    while (leg.sent !== null && leg.sent < head) {
      const offset = ++leg.sent
      const { hidden } = history.find((one) => one.epoch === epoch && one.offset === offset)!
      const data = history.findIndex((one) => one.epoch === epoch && one.offset === offset) + 1
      const frame: MessageFrame = {
        type: 'message',
        topic: TOPIC,
        offset,
        prev: offset - 1,
        ...(hidden ? { hasData: false } : { data, hasData: true }),
      }
      leg.down.push({ text: `${offset}${hidden ? ' hidden' : ''}`, arrive: () => merge.message(leg.number, frame) })
    }
  }

  function dial() {
    const leg: ServerLeg = { number: ++legNumber, down: [], sent: null }
    const answers = answer(leg, merge.hello(leg.number))
    legs.push(leg)
    heard.push(`leg ${leg.number} is dialled`)
    leg.down.push({ text: `welcome ${show(answers)}`, arrive: () => merge.ready(leg.number, answers, new Set()) })
    pump(leg)
  }

  const visible = () => history.flatMap(({ hidden }, at) => (hidden ? [] : [at + 1]))

  // The application's own API reads at one time, and answers at another.
  const calls: {
    resolve(snapshot: Snapshot<readonly number[]>): void
    reject(error: Error): void
    read: Snapshot<readonly number[]> | null
  }[] = []
  let loads = 0
  function load(): Promise<Snapshot<readonly number[]>> {
    loads++
    if (loads <= (world.hung ?? 0)) return new Promise(() => undefined)
    return new Promise((resolve, reject) => void calls.push({ resolve, reject, read: null }))
  }
  function read(call: (typeof calls)[number]) {
    const lag = loads === 1 ? (world.lag ?? 0) : 0
    const last = history[history.length - 1 - lag]
    const at: Position =
      last && last.epoch === epoch
        ? { epoch, offset: last.offset }
        : last && lag > 0
          ? { epoch: last.epoch, offset: last.offset }
          : { epoch, offset: 0 }
    const upTo = Math.max(0, history.length - lag)
    call.read = { state: visible().filter((data) => data <= upTo), position: at }
  }

  const options: FoldOptions<readonly number[]> = world.load ? { load } : {}
  const fold = create<readonly number[]>(
    {
      settings: {
        clock,
        random: () => 0.5,
        holding: { maxMessages: world.maxHeld ?? 100, maxBytes: 100_000 },
        reconnect: { cap: 120_000 },
      },
      store: constantStore({ ...idleState, status: 'live' }),
      session: 'session',
      subscriptions,
      events,
      report: () => undefined,
    },
    TOPIC,
    (state, data) => [...state, data as number],
    [],
    options,
  )

  const toHappen = new Set(world.happenings)
  const widths: number[] = []
  const taken: number[] = []
  const steps: string[] = []
  let problem: string | null = null
  let left = world.messages
  let waits = world.waits ?? 1
  let stopListening: (() => void) | null = fold.subscribe(() => undefined)
  if (world.others) subscriptions.add(TOPIC, () => undefined)
  dial()

  function choices(): [name: string, act: () => void | Promise<void>][] {
    const can: ReturnType<typeof choices> = []
    for (const leg of legs) {
      const [frame] = leg.down
      if (!frame) continue
      can.push([
        `leg ${leg.number} brings ${frame.text}`,
        () => {
          heard.push(`${leg.number}: ${frame.text}`)
          leg.down.shift()
          frame.arrive()
        },
      ])
    }
    const call = calls[0]
    if (call && !call.read) can.push(['the API reads', () => read(call)])
    else if (call) {
      can.push([
        'the load ends',
        () => {
          heard.push(`load: ${JSON.stringify(call.read)}`)
          calls.shift()
          if (loads <= (world.failures ?? 0)) call.reject(new Error('503'))
          else call.resolve(call.read!)
          return quiet()
        },
      ])
    }
    if (left > 0) {
      can.push([
        'a message is published',
        () => {
          left--
          history.push({ epoch, offset: ++head, hidden: world.hidden === true && history.length % 2 === 1 })
          for (const leg of legs) pump(leg)
        },
      ])
    }
    for (const what of toHappen) {
      if (what === 'return' && stopListening) continue
      can.push([
        what,
        () => {
          toHappen.delete(what)
          happen(what)
        },
      ])
    }
    if (legs.length > 1) {
      can.push([
        'the old leg goes',
        () => {
          heard.push('the old leg goes')
          merge.gone(legs.shift()!.number)
        },
      ])
    }
    if (clock.pending > 0 && waits > 0) {
      can.push([
        'time passes',
        () => {
          waits--
          heard.push('time')
          clock.runNext()
          return quiet()
        },
      ])
    }
    return can
  }

  function happen(what: Happening) {
    switch (what) {
      case 'move':
        return dial()
      case 'break':
        heard.push('break')
        for (const leg of legs.splice(0)) merge.gone(leg.number)
        return dial()
      case 'trim':
        kept.epoch = epoch
        kept.oldest = head + 1
        return
      case 'epoch':
        epoch += "'"
        head = 0
        for (const leg of legs) {
          if (leg.sent === null) continue
          const answers = answer(leg, new Map([[TOPIC, null]]))
          leg.down.push({
            text: `subscribed ${show(answers)}`,
            arrive: () => merge.subscribed(leg.number, undefined, answers),
          })
        }
        return
      case 'leave':
        heard.push('leave')
        stopListening?.()
        stopListening = null
        return
      case 'return':
        heard.push('return')
        stopListening = fold.subscribe(() => undefined)
        return
      case 'rewind':
        heard.push('rewind')
        subscriptions.add(TOPIC, () => undefined, undefined, { epoch, offset: 0 })
    }
  }

  function judge() {
    const state = fold.getState()
    const expected = visible()
    const start = world.load ? 0 : expected.indexOf(state[0] ?? expected[0]!)
    const right = state.every((data, at) => data === expected[start + at])
    if (!right) problem ??= `the state is [${state.join(' ')}], of [${expected.join(' ')}]`
  }

  for (let step = 0; !problem; step++) {
    const can = choices()
    if (can.length === 0) {
      // Only time can pass now: as long as pauses and retries need.
      if (clock.pending === 0 || step > 400) break
      clock.runNext()
    } else {
      widths.push(can.length)
      const choice = path[taken.length] ?? 0
      taken.push(choice)
      const [name, act] = can[choice]!
      steps.push(name)
      // Loads and leaves are complete a few promises later.
      const done = act()
      if (done) await done
    }
    judge()
    if (taken.length >= path.length) {
      const moment = JSON.stringify([heard, history.length, epoch, kept, left, waits, [...toHappen], calls, legs])
      if (seen.has(moment)) return { widths, taken, steps, problem }
      seen.add(moment)
    }
  }
  if (!stopListening) {
    stopListening = fold.subscribe(() => undefined)
    for (let step = 0; step < 400 && !problem; step++) {
      const [first] = choices()
      if (first) await first[1]()
      else if (clock.pending > 0) clock.runNext()
      else break
      judge()
    }
  }
  const state = fold.getState()
  const expected = visible()
  // Without a load the fold begins where its subscription did.
  if (!problem && (world.load || state.length > 0) && state.at(-1) !== expected.at(-1))
    problem = `the state ends as [${state.join(' ')}], of [${expected.join(' ')}]`
  if (gaps > 1) problem ??= `one hole was told as ${gaps} gaps`
  return { widths, taken, steps, problem }
}

function show(answers: ReadonlyMap<string, TopicAnswer>): string {
  return JSON.stringify(answers.get(TOPIC) ?? null)
}

async function quiet() {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve()
}

function constantStore<Value>(value: Value): ReadableStore<Value> {
  return { getState: () => value, getInitialState: () => value, subscribe: () => () => undefined }
}
