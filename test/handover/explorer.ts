import type { step as realStep } from '../../src/handover/machine.js'
import type { HandoverAsk, Effect, Event, State } from '../../src/handover/state.js'
import type { Verdict } from '../../src/policy/close-verdict.js'

export type Step = typeof realStep

/** The broken rule, and the shortest path to it. */
export interface Violation {
  readonly rule: string
  readonly path: readonly string[]
}

export interface Walk {
  readonly states: number
  readonly transitions: number
  /** Events from the start to the farthest new state. */
  readonly depth: number
  readonly violation: Violation | null
}

/**
 * The world outside the machine: the sockets that are really open, according to the machine's effects and to what
 * happened to them.
 */
interface World {
  readonly state: State
  readonly open: readonly number[]
  /** Where the last dial for the same request went, if it has failed. */
  readonly went: { readonly ask: string; readonly url: string | null } | null
  readonly path: readonly string[]
}

const verdicts: Record<string, Verdict> = {
  'went away': { do: 'retry', backoff: 'spread' },
  'hit alone': { do: 'retry', backoff: 'early' },
  'closed by its browser': { do: 'retry', backoff: 'early', ours: true },
  busy: { do: 'retry', backoff: 'busy', retryAfter: 1_000 },
  misunderstood: { do: 'retry', backoff: 'spread', bad: true },
  unauthorized: { do: 'renew-token' },
  'said goodbye': { do: 'stop', by: 'server', code: 1000 },
  'session ended': { do: 'stop', by: 'session-ended', code: 3000 },
  superseded: { do: 'stop', by: 'superseded', code: 4001 },
}

const asks: HandoverAsk[] = [
  { id: 'move', reason: 'deploy', by: 'server', url: null },
  { id: 'redirect', reason: 'deploy', by: 'server', url: 'wss://b' },
  { id: 'own', reason: 'application', by: 'client', url: null },
  { id: 'hush', reason: 'silence', by: 'client', url: null },
].map((ask) => ({
  ...ask,
  by: ask.by as HandoverAsk['by'],
  at: { wall: 0, monotonic: 0 },
  deadline: 0,
  spread: 0,
  expired: false,
}))

/** Every event that can happen in that world, by name. */
export function possible(state: State, exclusive = false): [string, Event][] {
  const events: [string, Event][] = [
    ['connect', { type: 'connect', fresh: false, exclusive }],
    ['connect, held', { type: 'connect', fresh: false, exclusive, held: true }],
    ['close', { type: 'stop', stop: { by: 'app' } }],
    ['due', { type: 'due' }],
    ['dial', { type: 'dial', backoff: 'early' }],
    ['old done', { type: 'old-done' }],
    ['overflow', { type: 'overflow' }],
    ['suspend', { type: 'suspend', lasted: false }],
    ['deadline', { type: 'deadline' }],
    ['silent', { type: 'silent', lasted: false }],
  ]
  const seats = (['active', 'standby', 'old'] as const).flatMap((role) =>
    state[role] ? [[role, state[role]] as const] : [],
  )
  if (state.standby) {
    events.push(['ready', { type: 'ready', leg: state.standby.leg, same: false }])
    if (state.active) events.push(['ready, same server', { type: 'ready', leg: state.standby.leg, same: true }])
  }
  for (const [role, { leg, ask }] of seats) {
    for (const [name, verdict] of Object.entries(verdicts)) {
      events.push([`${role} ${name}`, { type: 'died', leg, code: 1006, verdict, opened: true, lasted: false }])
    }
    events.push([
      `${role} went away after long`,
      { type: 'died', leg, code: 1006, verdict: verdicts['went away']!, opened: true, lasted: true },
    ])
    if (role === 'standby')
      events.push([
        'standby did not open',
        { type: 'died', leg, code: 1006, verdict: verdicts['went away']!, opened: false, lasted: false },
      ])
    for (const one of asks) events.push([`${role} asked: ${one.id}`, { type: 'asked', leg, ask: one }])
    if (ask) events.push([`${role} cancelled`, { type: 'cancelled', leg, id: ask.id }])
  }
  const stranger = state.legs + 7
  events.push(
    [
      'a stranger died',
      { type: 'died', leg: stranger, code: 1000, verdict: verdicts['said goodbye']!, opened: true, lasted: true },
    ],
    ['a stranger is ready', { type: 'ready', leg: stranger, same: false }],
    ['a stranger asked', { type: 'asked', leg: stranger, ask: asks[0]! }],
  )
  return events
}

/** Walks every interleaving of events, breadth first, until no new state turns up or `depth` events have passed. */
export function explore(step: Step, initial: State, depth: number, exclusive = false): Walk {
  const seen = new Set<string>()
  let frontier: World[] = [{ state: initial, open: [], went: null, path: [] }]
  let transitions = 0
  let level = 0
  seen.add(canonical(frontier[0]!))
  while (frontier.length > 0 && level < depth) {
    level++
    const next: World[] = []
    for (const world of frontier) {
      for (const [name, event] of possible(world.state, exclusive)) {
        transitions++
        const outcome = advance(step, world, name, event)
        if ('rule' in outcome) return { states: seen.size, transitions, depth: level, violation: outcome }
        const key = canonical(outcome)
        if (seen.has(key)) continue
        seen.add(key)
        next.push(outcome)
      }
    }
    frontier = next
  }
  return { states: seen.size, transitions, depth: frontier.length === 0 ? level : depth, violation: null }
}

function advance(step: Step, world: World, name: string, event: Event): World | Violation {
  const path = [...world.path, name]
  const wrong = (rule: string): Violation => ({ rule, path })
  const [state, effects] = step(world.state, event)
  let open = event.type === 'died' ? world.open.filter((leg) => leg !== event.leg) : [...world.open]
  for (const effect of effects) {
    if (effect.do === 'dial') open.push(effect.leg)
    if (effect.do === 'close') {
      if (!open.includes(effect.leg)) return wrong(`closes leg ${effect.leg}, which is not open`)
      open = open.filter((leg) => leg !== effect.leg)
    }
    if (open.length > (state.exclusive ? 1 : 2)) return wrong('holds more legs than it may')
  }
  let went = event.type === 'ready' || event.type === 'asked' || !state.active?.ask ? null : world.went
  for (const effect of effects) {
    if (effect.do !== 'dial') continue
    const wanted = effect.ask?.url ?? null
    if (!world.state.active && effect.url !== null)
      return wrong('a reconnection goes where a server sent a leg that is gone')
    if (wanted === null && effect.url !== null) return wrong('a dial goes where nobody asked it to')
    if (wanted !== null && went?.ask === effect.ask!.id && went.url === effect.url)
      return wrong('the place that a server named and the configured one have no turns')
    went = wanted === null ? null : { ask: effect.ask!.id, url: effect.url }
  }
  const rule = broken(world.state, event, state, effects, open)
  return rule ? wrong(rule) : { state, open, went, path }
}

function broken(
  before: State,
  event: Event,
  state: State,
  effects: readonly Effect[],
  open: readonly number[],
): string | null {
  const named = [state.active, state.standby, state.old].flatMap((seat) => (seat ? [seat.leg] : []))
  if (open.some((leg) => !named.includes(leg))) return 'an open leg is not named by the state'
  if (named.some((leg) => !open.includes(leg))) return 'a leg named by the state is not open'
  if (new Set(named).size < named.length) return 'a leg has two roles'
  if (state.status !== 'open' && (open.length > 0 || state.wait !== 'none')) return 'something goes on after the end'
  const wanted = state.status === 'open' && !state.standby && (!state.active || state.active.ask !== null)
  if (wanted && state.wait === 'none') return 'a dial is wanted and nothing waits for it'
  if (!wanted && state.wait !== 'none') return 'a dial waits that nobody wants'
  if (state.wait === 'room' && !(state.active && state.old)) return 'a dial waits for room while there is some'
  if (state.wait === 'timer' && before.wait !== 'timer' && !effects.some((effect) => effect.do === 'delay'))
    return 'a wait has no end'
  if (state.old && !state.active) return 'an old leg serves beside nothing'
  const waits = effects.flatMap((effect) => (effect.do === 'delay' ? [effect.backoff] : []))
  if (
    event.type === 'dial' &&
    (JSON.stringify(before) !== JSON.stringify(state) ||
      waits.length < effects.length ||
      (waits.length > 0 && before.wait !== 'timer'))
  ) {
    return 'a hint does more than to bring a dial forward that waits'
  }
  if (event.type === 'died' && event.verdict === verdicts['busy'] && before.wait !== 'timer') {
    if (waits.some((backoff) => !('retryAfter' in backoff) || backoff.retryAfter !== 1_000))
      return 'a busy server is not left alone for as long as it said'
  }
  const stopped = state.status !== 'open'
  if (before.active && !stopped && !state.exclusive) {
    const survives = state.active?.leg === before.active.leg || state.old?.leg === before.active.leg
    const itself = event.type === 'died' && event.leg === before.active.leg
    const silent = event.type === 'silent'
    if (!survives && !itself && !silent && event.type !== 'suspend') return 'the leg in use was let go though it lived'
  }
  if (
    event.type === 'died' &&
    before.active &&
    before.standby?.leg === event.leg &&
    !stopped &&
    state.active?.leg !== before.active.leg
  ) {
    return 'a standby leg took the active one with it'
  }
  if (
    event.type === 'died' &&
    before.standby &&
    before.active?.leg === event.leg &&
    !stopped &&
    state.standby?.leg !== before.standby.leg
  ) {
    return 'a standby leg was started over when the active one died'
  }
  if (
    event.type === 'died' &&
    before.old &&
    before.active?.leg === event.leg &&
    !stopped &&
    state.active?.leg !== before.old.leg
  ) {
    return 'the old leg lived and does not serve again'
  }
  const stranger = event.type === 'died' && event.leg > before.legs
  if (stranger && JSON.stringify(before) !== JSON.stringify(state)) return 'a leg that is not ours changed something'
  return null
}

/**
 * A key under which states that differ only in history are equal: legs are numbered by age, and counters are reduced to
 * what matters.
 */
function canonical({ state, open, went }: World): string {
  const legs = [...open].sort((a, b) => a - b)
  const rename = (seat: State['active']) => seat && { ...seat, leg: legs.indexOf(seat.leg) }
  return JSON.stringify({
    ...state,
    active: rename(state.active),
    standby: rename(state.standby),
    old: rename(state.old),
    legs: null,
    failures: Math.min(state.failures, 2),
    // Whether `url` or the configured URL is next depends on odd and even.
    tries: state.exclusive ? Math.min(state.tries, 2) : state.tries % 2,
    unopened: null,
    went,
  })
}
