import type { Happening, WorldOptions } from './world.js'

const MESSAGES: Happening[] = ['append', 'append', 'append']
const PUBLISHES: Happening[] = ['publish', 'publish', 'publish']

const world = (...actors: (readonly Happening[])[]): WorldOptions => ({
  servers: 2,
  tabs: 1,
  actors: [MESSAGES, PUBLISHES, ...actors],
  tokenLife: 120_000,
  dwell: 0,
  maxSteps: 400,
})

/**
 * The worlds that are searched to the end: two servers, three messages each way, one move, and one failure, one thing
 * that becomes of the token and one that becomes of the page, in every combination that is named here.
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
}
