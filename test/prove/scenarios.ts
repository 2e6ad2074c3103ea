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
  prompt: false,
  haste: null,
  maxSteps: 400,
})

/**
 * The worlds whose schedules are searched to the end within a number of deviations: two servers, three messages each
 * way, one move, and one failure, one thing that becomes of the token and one that becomes of the page, in every
 * combination that is named here.
 */
export const SCENARIOS: Readonly<Record<string, WorldOptions>> = {
  'a move': world(['move']),
  'a move, and the network forgets one connection': world(['move'], ['reset']),
  'a move, and the network forgets the newer connection': world(['move'], ['reset-newest']),
  'a move, and a server dies': world(['move'], ['crash', 'restart']),
  'a move into a server that is busy': world(['busy', 'move', 'well']),
  'a move that is called off': world(['move', 'cancel-drain']),
  'a move, and the log is lost': world(['move'], ['lose']),
  'a move, and what came first is no longer kept': world(['move'], ['trim']),
  'a move, and the token is revoked': world(['move'], ['revoke']),
  'a move, and the page is put away and comes back': world(['move'], ['stored', 'restored']),
  'a move, and the network changes': world(['move'], ['network-change']),
  'a crash, a token that fails, and a page that is hidden': world(
    ['crash', 'restart'],
    ['token-fails'],
    ['hidden', 'shown'],
  ),
  'a move, a connection that is forgotten, a token that is revoked, and a page that is put away': world(
    ['move'],
    ['reset'],
    ['revoke'],
    ['stored', 'restored'],
  ),
}

const small = (haste: number, ...actors: (readonly Happening[])[]): WorldOptions => ({
  servers: 2,
  tabs: 1,
  actors: [['append'], ['publish'], ...actors],
  tokenLife: null,
  dwell: 0,
  live: true,
  prompt: true,
  haste,
  maxSteps: 400,
})

/**
 * The worlds of which every state is come to, in whatever order things happen: a page that is live, one message each
 * way, a move and one more trouble. Time passes where nothing else can happen, and in the first of them once more.
 */
export const SMALL_WORLDS: Readonly<Record<string, WorldOptions>> = {
  'a move that takes its time, in any order': small(1, ['move']),
  'a move and a reset, in any order': small(0, ['move'], ['reset']),
  'a move and a reset of the newer connection, in any order': small(0, ['move'], ['reset-newest']),
  'a move and a crash, in any order': small(0, ['move'], ['crash', 'restart']),
  'a move that is called off, in any order': small(0, ['move', 'cancel-drain']),
  'a move and a lost log, in any order': small(0, ['move'], ['lose']),
  'a move and a trimmed log, in any order': small(0, ['move'], ['trim']),
  'a move and a changed network, in any order': small(0, ['move'], ['network-change']),
  'a move and a page that is put away, in any order': small(0, ['move'], ['stored', 'restored']),
}
