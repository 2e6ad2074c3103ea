import type { Happening, WorldOptions } from './world.js'

const MESSAGES: Happening[] = ['append', 'append', 'append']
const PUBLISHES: Happening[] = ['publish', 'publish', 'publish']

const world = (...actors: (readonly Happening[])[]): WorldOptions => ({
  servers: 2,
  tabs: 1,
  actors: [MESSAGES, PUBLISHES, ...actors],
  tokenLife: 120_000,
  dwell: 0,
  live: false,
  plain: false,
  haste: null,
  maxSteps: 400,
})

/**
 * The worlds whose schedules are searched completely up to a number of deviations: two servers, three messages in each
 * direction, one handover, and one failure, one change of the token and one event of the page, in each combination
 * named here.
 */
export const SCENARIOS: Readonly<Record<string, WorldOptions>> = {
  'a handover': world(['move']),
  'a handover, and the network forgets one connection': world(['move'], ['reset']),
  'a handover, and the network forgets the newer connection': world(['move'], ['reset-newest']),
  'a handover, and a server dies': world(['move'], ['crash', 'restart']),
  'a handover into a server that is busy': world(['busy', 'move', 'well']),
  'a handover that is called off': world(['move', 'cancel-drain']),
  'a handover, and the log is lost': world(['move'], ['lose']),
  'a handover, and what came first is no longer kept': world(['move'], ['trim']),
  'a handover, and the token is revoked': world(['move'], ['revoke']),
  'a handover, and the page is put away and comes back': world(['move'], ['stored', 'restored']),
  'a handover, and the network changes': world(['move'], ['network-change']),
  'a crash, a token that fails, and a page that is hidden': world(
    ['crash', 'restart'],
    ['token-fails'],
    ['hidden', 'shown'],
  ),
  'a handover, a connection that is forgotten, a token that is revoked, and a page that is put away': world(
    ['move'],
    ['reset'],
    ['revoke'],
    ['stored', 'restored'],
  ),
}

/** A number of messages in each direction, and how often time may pass. */
const small = (messages: number, haste: number, ...actors: (readonly Happening[])[]): WorldOptions => ({
  servers: 2,
  tabs: 1,
  actors: [Array<Happening>(messages).fill('append'), Array<Happening>(messages).fill('publish'), ...actors],
  tokenLife: actors.some(([first]) => first === 'revoke' || first === 'token-fails') ? 120_000 : null,
  dwell: 0,
  live: true,
  plain: true,
  haste,
  maxSteps: 400,
})

/** A handover, a failure, a change of the token and an event of the page. */
const ALL_AT_ONCE: readonly (readonly Happening[])[] = [['move'], ['reset-1'], ['revoke'], ['hidden', 'shown']]

/** The SMALL_WORLDS that CI searches. The first is by far the largest. */
export const QUICK_WORLDS: Readonly<Record<string, WorldOptions>> = {
  'three messages each way, a handover, a reset, a token that is revoked and a page that is hidden': small(
    3,
    0,
    ...ALL_AT_ONCE,
  ),
  'a handover that takes its time': small(1, 1, ['move']),
}

/**
 * The worlds of which every state is visited, in any order of events: a live page, messages in each direction, a
 * handover and more trouble.
 */
export const SMALL_WORLDS: Readonly<Record<string, WorldOptions>> = {
  ...QUICK_WORLDS,
  'two messages each way, a handover and a reset of the newer connection': small(2, 0, ['move'], ['reset-2']),
  'two messages each way, a handover and a crash': small(2, 0, ['move'], ['crash', 'restart']),
  'two messages each way, a crash, a token that fails and a page that is put away': small(
    2,
    0,
    ['move'],
    ['crash', 'restart'],
    ['token-fails', 'token-well'],
    ['stored', 'restored'],
  ),
  'two messages each way and a handover that is called off': small(2, 0, ['move', 'cancel-drain']),
  'two messages each way, a handover and a lost log': small(2, 0, ['move'], ['lose']),
  'two messages each way, a handover and a trimmed log': small(2, 0, ['move'], ['trim']),
  'two messages each way, a handover and a changed network': small(2, 0, ['move'], ['network-change']),
  'a handover and a page that is put away': small(1, 0, ['move'], ['stored', 'restored']),
  'a handover and a reset that take their time': small(1, 1, ['move'], ['reset-1']),
}

/** Small enough to be searched in every order too: the orders that the search skips must make no difference. */
export const SMALLEST_WORLDS: Readonly<Record<string, WorldOptions>> = {
  'a message each way, a handover and a reset': small(1, 0, ['move'], ['reset-1']),
  'a message each way, a handover and a lost log': small(1, 0, ['move'], ['lose']),
}
