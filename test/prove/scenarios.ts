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
 * way, one handover, and one failure, one thing that becomes of the token and one that becomes of the page, in every
 * combination that is named here.
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
 * way, a handover and one more trouble. Time passes where nothing else can happen, and in the first of them once more.
 */
export const SMALL_WORLDS: Readonly<Record<string, WorldOptions>> = {
  'a handover that takes its time, in any order': small(1, ['move']),
  'a handover and a reset, in any order': small(0, ['move'], ['reset']),
  'a handover and a reset of the newer connection, in any order': small(0, ['move'], ['reset-newest']),
  'a handover and a crash, in any order': small(0, ['move'], ['crash', 'restart']),
  'a handover that is called off, in any order': small(0, ['move', 'cancel-drain']),
  'a handover and a lost log, in any order': small(0, ['move'], ['lose']),
  'a handover and a trimmed log, in any order': small(0, ['move'], ['trim']),
  'a handover and a changed network, in any order': small(0, ['move'], ['network-change']),
  'a handover and a page that is put away, in any order': small(0, ['move'], ['stored', 'restored']),
}
